"""The order of a verification, and what is put back at its end, also after Ctrl-C."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from clicklake.errors import CommandError
from clicklake.verify.alarm_checks import check_alarms
from clicklake.verify.api_checks import check_api
from clicklake.verify.dashboard_checks import check_dashboard
from clicklake.verify.lake_checks import LakeChecks
from clicklake.verify.landing import Landing
from clicklake.verify.pipeline_checks import PipelineChecks
from clicklake.verify.processor_settings import ProcessorSettingsKeeper
from clicklake.verify.public_api import PublicApi
from clicklake.verify.rows import CheckFailedError, CheckSkippedError, Recorder
from clicklake.verify.stage import StageUnderTest


@dataclass(frozen=True)
class VerifyOptions:
    breaks: bool
    """Whether to break the processor and raise the alarms."""
    erases: bool
    dashboard_password: str | None


def verify_stage(
    stage: StageUnderTest, processor: ProcessorSettingsKeeper, recorder: Recorder, options: VerifyOptions
) -> None:
    """Run every check. Whatever happens, the processor is put back and the events are erased."""
    api = PublicApi(stage)
    landing = Landing(stage.lake, stage.mark, stage.started)
    pipeline = PipelineChecks(recorder, stage, api, landing)
    lake = LakeChecks(recorder, stage, api, landing)
    is_done = False
    try:
        check_api(recorder, stage, api)
        pipeline.check_landing()
        pipeline.check_catalogue(processor if options.breaks else None)
        if options.breaks:
            pipeline.check_replay(processor)
        lake.check_lake()
        check_dashboard(recorder, stage, options.dashboard_password)
        if options.breaks:
            check_alarms(recorder, stage)
        if options.erases:
            lake.check_erase()
        is_done = True
    finally:
        if not is_done:
            _clean_up(stage, processor, options, pipeline, lake)


def _clean_up(
    stage: StageUnderTest,
    processor: ProcessorSettingsKeeper,
    options: VerifyOptions,
    pipeline: PipelineChecks,
    lake: LakeChecks,
) -> None:
    """Put everything back that can be, one after the other. What is in flight lands later."""
    steps: list[Callable[[], object]] = [processor.restore_left_over]
    if options.breaks:
        steps.append(pipeline.replay)
    if options.erases:
        steps.append(lambda: lake.erase(stage.started))
    for step in steps:
        with suppress(CheckFailedError, CheckSkippedError, CommandError, ClientError, BotoCoreError):
            step()
