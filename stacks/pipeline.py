"""The import itself: its functions, and the state machine that runs them."""

from aws_cdk import CfnOutput
from constructs import Construct

from stacks.completion_functions import (
    conclude_function,
    delete_sources_function,
    finish_function,
    sweep_function,
)
from stacks.copybatches import Functions
from stacks.function import Parts
from stacks.import_functions import copy_function, extrapolate_function, plan_function
from stacks.machine import ImportMachine
from stacks.watch_function import watch_function


class Pipeline(Construct):
    """`machine` runs one import per execution; its children call `copy`."""

    def __init__(self, scope: Construct, construct_id: str, parts: Parts) -> None:
        super().__init__(scope, construct_id)
        self.plan = plan_function(self, parts)
        self.copy = copy_function(self, parts)
        self.extrapolate = extrapolate_function(self, parts)
        self.finish = finish_function(self, parts)
        self.delete_sources = delete_sources_function(self, parts)
        self.conclude = conclude_function(self, parts)
        self.machine = ImportMachine(
            self,
            "Imports",
            deploy=parts.deploy,
            state=parts.storage.state,
            functions=Functions(
                plan=self.plan,
                copy=self.copy,
                extrapolate=self.extrapolate,
                finish=self.finish,
                delete_sources=self.delete_sources,
                conclude=self.conclude,
            ),
        )
        self.sweep = sweep_function(self, parts, self.machine)
        self.watch = watch_function(self, parts, self.machine)

    def outputs(self) -> None:
        CfnOutput(self, "StateMachineArn", value=self.machine.state_machine_arn).override_logical_id("StateMachineArn")
