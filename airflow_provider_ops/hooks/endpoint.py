"""An endpoint of an API as hook methods: described once in ``apis``, typed in both worlds."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Generic, ParamSpec, Protocol, TypeVar, overload

from airflow_provider_ops.apis.calls import Call, Flow, Paged

P = ParamSpec("P")
T = TypeVar("T")


class _Hook(Protocol):
    def call(self, call: Call[T]) -> T: ...
    async def acall(self, call: Call[T]) -> T: ...
    def run(self, flow: Flow[T]) -> T: ...
    async def arun(self, flow: Flow[T]) -> T: ...
    def items(self, paged: Paged[T]) -> Iterator[T]: ...
    def aitems(self, paged: Paged[T]) -> AsyncIterator[T]: ...


class _Endpoint(Generic[P, T]):
    """Descriptor base: keeps the name, docstring and signature of the function it is made from."""

    def __init__(self, build: Callable[P, Any]) -> None:
        self.build = build
        self.__doc__ = build.__doc__
        functools.update_wrapper(self, build, updated=())  # type: ignore[arg-type]

    def bind(self, method: Callable[..., T]) -> Callable[P, T]:
        return functools.wraps(self.build)(method)


class Method(_Endpoint[P, T]):
    """``hook.name(...)``: sends the call that ``build(...)`` describes and returns its parsed answer."""

    def __init__(self, build: Callable[P, Call[T]]) -> None:
        super().__init__(build)

    @overload
    def __get__(self, hook: None, owner: type) -> Method[P, T]: ...
    @overload
    def __get__(self, hook: _Hook, owner: type) -> Callable[P, T]: ...
    def __get__(self, hook: _Hook | None, owner: type) -> Any:
        if hook is None:
            return self
        return self.bind(lambda *args, **kwargs: hook.call(self.build(*args, **kwargs)))


class AsyncMethod(_Endpoint[P, T]):
    """``await hook.aname(...)``."""

    def __init__(self, build: Callable[P, Call[T]]) -> None:
        super().__init__(build)

    @overload
    def __get__(self, hook: None, owner: type) -> AsyncMethod[P, T]: ...
    @overload
    def __get__(self, hook: _Hook, owner: type) -> Callable[P, Awaitable[T]]: ...
    def __get__(self, hook: _Hook | None, owner: type) -> Any:
        if hook is None:
            return self
        return self.bind(lambda *args, **kwargs: hook.acall(self.build(*args, **kwargs)))  # type: ignore[arg-type]


class Listing(_Endpoint[P, T]):
    """``for item in hook.name(...)``: all pages, fetched as they are needed."""

    def __init__(self, build: Callable[P, Paged[T]]) -> None:
        super().__init__(build)

    @overload
    def __get__(self, hook: None, owner: type) -> Listing[P, T]: ...
    @overload
    def __get__(self, hook: _Hook, owner: type) -> Callable[P, Iterator[T]]: ...
    def __get__(self, hook: _Hook | None, owner: type) -> Any:
        if hook is None:
            return self
        return self.bind(lambda *args, **kwargs: hook.items(self.build(*args, **kwargs)))  # type: ignore[arg-type]


class AsyncListing(_Endpoint[P, T]):
    """``async for item in hook.aname(...)``."""

    def __init__(self, build: Callable[P, Paged[T]]) -> None:
        super().__init__(build)

    @overload
    def __get__(self, hook: None, owner: type) -> AsyncListing[P, T]: ...
    @overload
    def __get__(self, hook: _Hook, owner: type) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, hook: _Hook | None, owner: type) -> Any:
        if hook is None:
            return self
        return self.bind(lambda *args, **kwargs: hook.aitems(self.build(*args, **kwargs)))  # type: ignore[arg-type]


def endpoint(build: Callable[P, Call[T]]) -> tuple[Method[P, T], AsyncMethod[P, T]]:
    """Return both methods of an endpoint.

    ``get_thing, aget_thing = endpoint(API.get_thing)``
    """
    return Method(build), AsyncMethod(build)


def listing(build: Callable[P, Paged[T]]) -> tuple[Listing[P, T], AsyncListing[P, T]]:
    """Return both iterators of a list.

    ``list_things, alist_things = listing(API.list_things)``
    """
    return Listing(build), AsyncListing(build)
