"""Templates that render to what is declared for a field, and are refused by name where they render to nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from airflow_provider_ops.core.values import is_list, is_list_text, is_object_text, kind_of, lasting, object_as_text
from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.operators.fitting import NEVER_LEFT_OUT, Stage, fitted, gave_none, is_literal
from airflow_provider_ops.operators.hints import part_hint, takes_only_text, takes_text
from airflow_provider_ops.operators.mapping import names_mapped_over

#: No Python literal begins with it, so that Airflow's native rendering leaves the text as it is.
_NO_LITERAL = "\0"
_REMEDIES: Mapping[str, str] = {
    "a list": "let the template pick one item, or map the task over the list with .expand()",
    "an object": "let the template pick a part of it",
    "bytes": "let the template decode them",
}


class _Template(str):
    """A template with the type that is declared for its result, and what its expressions gave."""

    __slots__ = ("has_none", "hint", "made_of")

    hint: Any
    #: What the whole text was made of, where that was no text.
    made_of: str | None
    #: Whether an expression in it gave ``None``.
    has_none: bool


class DeclaredTemplates:
    """A task whose templates render to the declared types, also with ``render_template_as_native_obj``.

    Native rendering turns the text ``1.10`` into a number; where text is declared it stays text.
    """

    template_fields: Sequence[str]
    #: Types of the template fields that are no fields of the request.
    _declared_types: ClassVar[Mapping[str, Any]] = {"conn_id": str, "operation_id": str}
    #: Fields as they were before they were rendered: templates, and results of other tasks.
    _templates: Mapping[str, Any] = {}
    #: Arguments that are ``None``, and those of them that the task is mapped over.
    _not_given: Collection[str] = ()
    _mapped_none: Collection[str] = ()

    def declared(self, name: str) -> Any:
        """Return the type of a template field."""
        return self._declared_types.get(name, Any)

    def rendered_field(self, name: str) -> Any:
        """Return the value of a template field, of the type that is declared for it.

        :raises InvalidArgument: names the field, or the part of it, that another task or a template has left without a
            value, or given one that cannot stand there.
        """
        value = lasting(found := getattr(self, name))
        if value is not found:
            # a filter renders to a generator, and each leg reads the field more than once
            setattr(self, name, value)
        label = name.removesuffix("_")
        template = self._templates.get(name)
        check_rendered(label, template, value)
        if name in self._mapped_none or (name in NEVER_LEFT_OUT and value is None and template is not None):
            raise gave_none(label)
        return fitted(label, value, self.declared(name), Stage.RENDERED)

    def _do_render_template_fields(
        self, parent: Any, template_fields: Iterable[str], context: Any, jinja_env: Any, seen_oids: set[int]
    ) -> None:
        """Render; Airflow calls it for plain and for mapped tasks."""
        # Airflow knows only the template fields of the class of a mapped task
        fields = tuple(dict.fromkeys((*template_fields, *(self.template_fields if parent is self else ()))))
        # what a mapped task was given by another task is no template
        mine = [name for name in fields if parent is self and id(getattr(self, name, None)) not in seen_oids]
        self._templates = {name: _with_hints(getattr(self, name, None), self.declared(name)) for name in mine}
        self._mapped_none = names_mapped_over(self, self._not_given, context)
        for name, value in self._templates.items():
            setattr(self, name, value)
        super()._do_render_template_fields(parent, fields, context, jinja_env, seen_oids)  # type: ignore[misc]

    def render_template(self, content: Any, context: Any, jinja_env: Any = None, seen_oids: Any = None) -> Any:
        """Render one value; text where only text is declared."""

        def render(text: str, env: Any = jinja_env) -> Any:
            return super(DeclaredTemplates, self).render_template(text, context, env, seen_oids)  # type: ignore[misc]

        if not isinstance(content, _Template):
            return render(content)
        if takes_only_text(content.hint):
            return _as_text(render, content, self.get_template_env() if jinja_env is None else jinja_env)  # type: ignore[attr-defined]
        found = render(str(content))
        # a number stands for a list or an object no more than a text does
        if isinstance(found, (str, Mapping)) or is_list(found):
            return found
        return str(render(f"{_NO_LITERAL}{content}")).removeprefix(_NO_LITERAL)


def _as_text(render: Callable[[str, Any], Any], template: _Template, env: Any) -> str:
    """Render to text, and note what the expressions in it gave: the text does not always show that."""
    values: list[Any] = []

    def note(value: Any) -> Any:
        values.append(value)
        return value

    # an environment of the user's may have one of its own
    noting = env.overlay(finalize=note) if env.finalize is None else env
    text = str(render(f"{_NO_LITERAL}{template}", noting)).removeprefix(_NO_LITERAL)
    template.has_none = any(value is None for value in values)
    kinds = ((kind_of(value), value) for value in values)
    template.made_of = next((kind for kind, value in kinds if kind and str(value).strip() == text.strip()), None)
    return text


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
    template.hint, template.made_of, template.has_none = hint, None, False
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
    if isinstance(template, _Template) and takes_only_text(template.hint):
        if template.has_none and (name == "path" or name.endswith("_id")):
            raise InvalidArgument(f"{name}: the template {template!r} rendered to {value[:200]!r}, with None in it")
        made_of = template.made_of or (is_object_text(value) and ("a list" if is_list_text(value) else "an object"))
        if made_of:
            raise InvalidArgument(
                f"{name} is {made_of} rendered as text, {value[:80]!r}, and takes a text: {_REMEDIES[made_of]}"
            )
    elif isinstance(value, str) and is_object_text(value):
        raise object_as_text(name, value)
