"""What every part may be made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.backends.media import Media
from bot.backends.memory import Memory
from bot.backends.models import ConfiguredModels
from bot.data_dir import DataDir
from bot.delivery.courier import SpeakerOf
from bot.operations.faults import Faults
from bot.ports import Adapter
from bot.runtime import Runtime
from bot.safety.masking import Masking
from bot.safety.refusing import Refusing
from bot.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Given:
    settings: Settings
    memory: Memory
    models: ConfiguredModels
    media: Media
    runtime: Runtime
    faults: Faults
    platforms: Mapping[str, Adapter]
    speaker_of: SpeakerOf | None = (
        None  # under which name and picture posts are made; None: the persona's own
    )

    @property
    def files(self) -> DataDir:
        return DataDir(self.settings.data_dir)

    @property
    def masking(self) -> Masking:
        return Masking(self.settings.safety.secrets == "mask")

    @property
    def refusing(self) -> Refusing:
        return self.media.refusing
