"""What a person can mend is told from what is a fault of ours: the first is said in one line that names the cure."""

from clickhouse_connect.driver.exceptions import ClickHouseError

from deploy.local.processes import ServerFailed
from sinks.base import SinkBusy, SinkError
from sinks.dead_letters import NoSuchLetter
from sinks.findings import NoSuchFinding
from sinks.references import NoSuchSegment
from sinks.review.refusals import CutRefused
from sinks.sealed.keys import WrongKey
from streams.backup import BackupRefused
from streams.capacity import CannotPlan
from streams.cli.group import NotRecorded
from streams.demo import DemoFailed
from streams.doctor import CLICKHOUSE_CURE
from streams.kafka import CannotCall
from streams.letters_back import LettersRefused
from streams.receiver.refusals import CannotServe
from streams.replay import UnreadableFile
from streams.rewind import RewindRefused
from streams.scenarios import UnknownScenario
from streams.settings import SettingsError
from streams.topics import KafkaUnreachable
from streams.worker import Unready

PLAIN = (
    SettingsError,
    CannotCall,
    CannotPlan,
    KafkaUnreachable,
    SinkError,
    CutRefused,
    ServerFailed,
    UnknownScenario,
    UnreadableFile,
    Unready,
    WrongKey,
    CannotServe,
    NoSuchFinding,
    NoSuchLetter,
    LettersRefused,
    NoSuchSegment,
    NotRecorded,
    BackupRefused,
    RewindRefused,
    DemoFailed,
    ClickHouseError,
    OSError,
)


def words(error: Exception) -> str | None:
    """Return what a person is told of an error; None where only a traceback can help."""
    if isinstance(error, SinkBusy):
        return f"{error}. {CLICKHOUSE_CURE}"
    return str(error) if isinstance(error, PLAIN) else None
