"""Prove a deployment: import clips of every kind, look at all around, remove what was made."""

import argparse
import secrets
import sys

from clipferry import Clipferry
from smoke.account import AccountChecks
from smoke.checks import FAULTS, Tally
from smoke.deployment import Deployment
from smoke.imports import WAIT_SECONDS, ImportChecks
from smoke.places import Places


def options_of() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m smoke", description=__doc__)
    parser.add_argument("--stack", required=True, help="the stack's name")
    parser.add_argument("--yes", action="store_true", help="do not ask before writing")
    parser.add_argument("--source-bucket", help="where to put sources (default: the first of source_buckets)")
    parser.add_argument("--large-bytes", type=int, default=6 * 1024**3, help="size of the large object (6 GiB)")
    parser.add_argument("--webhook-url", help="a receiver of a webhook")
    parser.add_argument("--other-region-bucket", help="a bucket of source_buckets in another region")
    parser.add_argument("--kms-bucket", help="a bucket of source_buckets that is encrypted with a KMS key")
    parser.add_argument("--endpoint-url", help="an emulator's address")
    return parser.parse_args()


def main() -> int:
    """Return the exit code: 0 if no check failed, 1 if one did, 2 if nothing was tried."""
    options = options_of()
    deployment, run = Deployment(options.stack, options.endpoint_url), f"smoke-{secrets.token_hex(4)}"
    try:
        admin = Clipferry(deployment.base_url, deployment.admin_key())
        places = Places(
            s3=deployment.s3,
            run=run,
            source=options.source_bucket or next(iter(deployment.source_buckets), None),
            drop=deployment.outputs["DropBucketName"],
            clips=deployment.outputs["ClipsBucketName"],
            large_bytes=options.large_bytes,
            webhook_url=options.webhook_url,
            other_region_bucket=options.other_region_bucket,
            kms_bucket=options.kms_bucket,
        )
    except FAULTS as error:
        print(f"✗ {options.stack}: {error}\n  → Check the stack's name, the region (AWS_REGION) and your credentials.")
        return 2
    print(
        f"This makes the project {run} with a key, writes {options.large_bytes / 1024**3:.1f} GiB of clips to "
        f"s3://{places.source}/clipferry-smoke/ and as much to s3://{places.clips}/{run}/, drops a clip, publishes to "
        "the alarms' topic with a queue subscribed to it, and removes all it made. It costs some cents."
    )
    if not options.yes and input("Go on? [y/N] ").strip().lower() not in ("y", "yes"):
        print("Nothing was written.")
        return 2
    tally = Tally()
    tally.run_all(AccountChecks(deployment, admin))
    try:
        key = admin.keys.create(run, "smoke")
    except FAULTS as error:
        print(f"✗ a key of the project {run}: {error}\n  → Mend what failed above first: imports need a key.")
        return 1
    project = Clipferry(deployment.base_url, key.key)

    def clean() -> str:
        imports = [job.id for job in project.imports.list()]
        for one in imports:
            project.imports.wait(one, timeout=WAIT_SECONDS)
            project.imports.delete(one)
        removed = places.empty()
        admin.keys.revoke(key.id)
        return f"{len(imports)} imports, {removed} versions of objects, 1 key; the audit's entries expire by themselves"

    try:
        tally.run_all(ImportChecks(deployment, project, places))
    finally:
        tally.run(
            "all removed again", f"Remove what is named {run} in the buckets, and revoke the key {key.id}.", clean
        )
    print(f"{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
