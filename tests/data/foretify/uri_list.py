from argparse import ArgumentParser
from ftx._common.utils import add_common_arguments
import time
import sys


def parse():
    parser = ArgumentParser(description="Launch batch ClipGT import from an explicit S3 URI list")
    add_common_arguments(parser)
    parser.add_argument("--project_id", nargs="?", help="target project id")
    return parser.parse_args()


args = parse()
globals().update(vars(args))
project_id = args.project_id

from ftx.shell import client
client.login(host=host, user=user, port=port, https=https)

poll_interval = 5
poll_timeout_seconds = 600


from ftx.shell import flow_executions

# Import from a list of explicit S3 URIs
created = flow_executions.launch_batch_import_clipgt_from_cloud_storage(
    project_id=project_id,
    exact_paths=["s3://my-bucket/clips/clip1.zip", "s3://my-bucket/clips/clip2.zip"],
)

execution_id = created.get("id")
print(f"Flow execution id: {execution_id}")

terminal_statuses = {"COMPLETED", "FAILED"}
last_status = None
start_time = time.time()

while True:
    if time.time() - start_time > poll_timeout_seconds:
        print(
            f"Timed out after {poll_timeout_seconds}s waiting for execution "
            f"{execution_id} (last status: {last_status})"
        )
        sys.exit(5)

    details = flow_executions.get_by_id(execution_id)
    status = details.get("status")

    if status != last_status:
        print(f"Execution {execution_id} status: {status}")
        last_status = status

    if status in terminal_statuses:
        if status == "COMPLETED":
            print("Flow execution completed successfully")
            sys.exit(0)
        print("Flow execution failed")
        sys.exit(4)

    time.sleep(poll_interval)
