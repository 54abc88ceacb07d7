"""A lake's stack in an emulator: the whole template, with functions that do nothing."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from clicklake.lake.bucket import Lake, find_lake
from tests.cloudformation.account import Account
from tests.support.emulator import KEYS, Emulator
from tests.support.paths import ROOT


@contextmanager
def lake_of_a_stack(emulator: Emulator, folder: Path) -> Iterator[Lake]:
    """Deploy the stack of the stage dev. While it is used, AWS is that emulator."""
    for handler in ("processor/processor", "keeper/clicklake/keeper"):
        (folder / "build" / handler).mkdir(parents=True)
        (folder / "build" / handler / "handler.py").touch()
    (folder / "cloudformation").mkdir()
    template = Path(shutil.copy(ROOT / "cloudformation/lake.yaml", folder / "cloudformation"))
    account = Account(emulator.gateway)
    account.package(template, folder / "packaged.yaml")
    account.deploy(folder / "packaged.yaml", "clicklake-lake-dev")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", emulator.gateway)
        patch.setenv("AWS_DEFAULT_REGION", KEYS["region_name"])
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        for name in ("aws_access_key_id", "aws_secret_access_key"):
            patch.setenv(name.upper(), KEYS[name])
        yield find_lake("dev", None)
