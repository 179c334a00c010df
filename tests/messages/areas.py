"""All areas of the table, in the order in which they are read."""

from __future__ import annotations

from typing import Final

from tests.messages.answers import NO_ANSWER, REFUSED
from tests.messages.arguments import ARGUMENTS
from tests.messages.command_line import COMMANDS
from tests.messages.connection import CONNECTION, TEST
from tests.messages.described import DESCRIBED
from tests.messages.kills import KILLS
from tests.messages.lost import LOST
from tests.messages.spec_mistakes import MISTAKEN
from tests.messages.specs import SPECS
from tests.messages.submit import STORED, SUBMIT
from tests.messages.wait import WAIT

AREAS: Final = (
    CONNECTION,
    TEST,
    ARGUMENTS,
    SUBMIT,
    LOST,
    STORED,
    WAIT,
    KILLS,
    REFUSED,
    NO_ANSWER,
    SPECS,
    MISTAKEN,
    DESCRIBED,
    COMMANDS,
)
