"""The CDK app: `cdk synth` and `cdk deploy` run this. It makes no AWS calls and needs no credentials."""

import sys

from aws_cdk import App, Tags, Validations
from cdk_nag import AwsSolutionsChecks

from service.domain.errors import InvalidSettings
from stacks.clipferry import ClipferryStack
from stacks.limits import too_large
from stacks.settings import DeploySettings


def main() -> None:
    app = App()
    try:
        deploy = DeploySettings.from_context(app.node.get_all_context())
    except InvalidSettings as error:
        sys.exit(f"Deploy settings: {error.message}.")
    stack = ClipferryStack(app, "Clipferry", deploy)
    Tags.of(stack).add("application", "clipferry")
    if not deploy.local:  # the emulator's stack is none that anybody else can reach
        Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    assembly = app.synth()
    refused = list(too_large(assembly.get_stack_artifact(stack.artifact_id).template, deploy.stack_name))
    if refused:
        sys.exit("\n".join(f"Deploy settings: {sentence}." for sentence in refused))


if __name__ == "__main__":
    main()
