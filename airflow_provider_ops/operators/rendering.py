"""Templates that render to what is declared for a field, and are refused by name where they render to nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from airflow_provider_ops.core.values import is_list, is_object_text, lasting, object_as_text
from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.operators.fields import is_literal, part_hint, takes_only_text, takes_text

#: No Python literal begins with it, so that Airflow's native rendering leaves the text as it is.
_NO_LITERAL = "\0"


class _Template(str):
    """A template with the type that is declared for its result."""

    __slots__ = ("hint",)

    hint: Any


class DeclaredTemplates:
    """A task whose templates render to the declared types, also with ``render_template_as_native_obj``.

    Native rendering turns the text ``1.10`` into a number; where text is declared it stays text.
    """

    template_fields: Sequence[str]
    #: Templates by field, as they were before they were rendered.
    _templates: Mapping[str, Any] = {}

    def declared(self, name: str) -> Any:
        """Return the type of a template field."""
        return str if name in ("conn_id", "operation_id") else Any

    def rendered_field(self, name: str) -> Any:
        """Return the value of a template field.

        :raises InvalidArgument: a template in it rendered to ``None`` or to nothing, or a list to text.
        """
        value = lasting(found := getattr(self, name))
        if value is not found:
            # a filter renders to a generator, and each leg reads the field more than once
            setattr(self, name, value)
        check_rendered(name.removesuffix("_"), self._templates.get(name), value)
        return value

    def _do_render_template_fields(
        self, parent: Any, template_fields: Iterable[str], context: Any, jinja_env: Any, seen_oids: set[int]
    ) -> None:
        """Render; Airflow calls it for plain and for mapped tasks."""
        # Airflow knows only the template fields of the class of a mapped task
        fields = tuple(dict.fromkeys((*template_fields, *(self.template_fields if parent is self else ()))))
        # what a mapped task was given by another task is no template
        mine = [name for name in fields if parent is self and id(getattr(self, name, None)) not in seen_oids]
        self._templates = {name: getattr(self, name, None) for name in mine}
        for name, value in self._templates.items():
            setattr(self, name, _with_hints(value, self.declared(name)))
        super()._do_render_template_fields(parent, fields, context, jinja_env, seen_oids)  # type: ignore[misc]

    def render_template(self, content: Any, context: Any, jinja_env: Any = None, seen_oids: Any = None) -> Any:
        """Render one value; text where only text is declared."""

        def render(text: str) -> Any:
            return super(DeclaredTemplates, self).render_template(text, context, jinja_env, seen_oids)  # type: ignore[misc]

        if not isinstance(content, _Template):
            return render(content)
        if takes_only_text(content.hint):
            return _as_text(render, content)
        found = render(str(content))
        # a number stands for a list or an object no more than a text does
        return found if isinstance(found, (str, Mapping)) or is_list(found) else _as_text(render, content)


def _as_text(render: Callable[[str], Any], content: str) -> str:
    return str(render(f"{_NO_LITERAL}{content}")).removeprefix(_NO_LITERAL)


def _with_hints(value: Any, hint: Any) -> Any:
    """Return ``value`` with its templates marked where text may stand."""
    if isinstance(value, str):
        return _marked(value, hint) if not is_literal(value) and takes_text(hint) else value
    if isinstance(value, dict):
        return {key: _with_hints(item, part_hint(hint, key)) for key, item in value.items()}
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return type(value)(_with_hints(item, part_hint(hint, None)) for item in value)
    return value


def _marked(text: str, hint: Any) -> _Template:
    template = _Template(text)
    template.hint = hint
    return template


def check_rendered(name: str, template: Any, value: Any) -> None:
    """Refuse what a template has rendered to by mistake.

    :param template: the field before it was rendered.
    :param value: the field now.
    :raises InvalidArgument: names the field, or the part of it.
    """
    if isinstance(template, str) and not is_literal(template):
        _check_result(name, template, value)
    elif isinstance(template, Mapping) and isinstance(value, Mapping):
        for key, part in template.items():
            check_rendered(f"{name}.{key}", part, value.get(key))
    elif isinstance(template, (list, tuple)) and isinstance(value, (list, tuple)):
        for number, (part, item) in enumerate(zip(template, value, strict=False)):
            check_rendered(f"{name}[{number}]", part, item)


def _check_result(name: str, template: str, value: Any) -> None:
    if value is None or (isinstance(value, str) and value.strip() in ("", "None")):
        what = "to None" if value is None or value.strip() else "to nothing"
        raise InvalidArgument(
            f"{name}: the template {template!r} rendered {what}; let it give a value, or leave {name} out"
        )
    if isinstance(value, str) and is_object_text(value):
        raise object_as_text(name, value)
