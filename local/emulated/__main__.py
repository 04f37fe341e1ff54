"""Start the emulator with all changes of this package. Runs in the emulator's own environment, by path, not with `-m`.

The checkout is on the module path only while this package is imported, so that the Lambda workers do not find it.
"""

import importlib
import sys
from pathlib import Path

_CHECKOUT = str(Path(__file__).resolve().parents[2])


def main() -> None:
    sys.path.append(_CHECKOUT)
    from local.emulated import (
        checksums,
        control,
        deletes,
        exceptions,
        gateway,
        limits,
        reads,
        references,
        restores,
        retries,
        roles,
        states,
        workers,
        writes,
    )

    sys.path.remove(_CHECKOUT)
    app = importlib.import_module("ministack.app")
    runtime = importlib.import_module("ministack.core.lambda_runtime")
    services = {
        name: importlib.import_module(f"ministack.services.{name}")
        for name in ("apigateway_v1", "eventbridge", "lambda_svc", "s3", "stepfunctions")
    }
    allowed = limits.Limits()
    workers.share_code(runtime)
    workers.finish_calls(runtime, services["lambda_svc"])
    raised = exceptions.name_exceptions(runtime, services["lambda_svc"], allowed)
    retries.match_as_aws(services["stepfunctions"], allowed)
    states.limit_state(services["stepfunctions"], allowed)
    gateway.limit_gateway(services["apigateway_v1"], allowed)
    gateway.use_the_authorizers_keys(services["apigateway_v1"])
    gateway.limit_invoke(services["lambda_svc"], allowed)
    checksums.keep_whole_checksums(services["s3"])
    checksums.answer_copies_with_checksums(services["s3"])
    reads.read_ranges_of_versions(services["s3"])
    reads.read_tags_of_versions(services["s3"])
    restores.take_as_long(services["s3"], allowed)
    restores.copy_to_standard(services["s3"])
    writes.redirect_as_requested(services["s3"])
    writes.check_conditions(services["s3"])
    writes.refuse_small_parts(services["s3"], allowed)
    writes.name_versions(services["s3"], services["eventbridge"])
    evaluator = importlib.import_module("ministack.core.iam_evaluator")
    deletes.name_conditions(importlib.import_module("ministack.core.iam_actions"), evaluator)
    checks = roles.count_checks(evaluator)
    provisioners = importlib.import_module("ministack.services.cloudformation.provisioners")
    references.name_secrets_by_arn(provisioners)
    references.keep_key_source(provisioners)
    control.listen(app, runtime, allowed, raised, checks)
    app.main()


if __name__ == "__main__":
    main()
