from argparse import ArgumentParser
from ftx._common.utils import add_common_arguments


def parse():
    parser = ArgumentParser(description="Handle ClipGT root_path pre-flight validation errors")
    add_common_arguments(parser)
    parser.add_argument("--project_id", nargs="?", help="target project id")
    return parser.parse_args()


args = parse()
globals().update(vars(args))
project_id = args.project_id

from ftx.shell import client
client.login(host=host, user=user, port=port, https=https)


from ftx.shell import flow_executions

try:
    flow_executions.launch_batch_import_clipgt_from_cloud_storage(
        project_id=project_id,
        root_path="s3://my-bucket/clips/",
    )
except ValueError as e:
    print(e)
# Pre-flight validation failed for root_path 's3://my-bucket/clips/': CANNOT_ACCESS
