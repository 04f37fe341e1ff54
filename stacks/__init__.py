"""The AWS side of Clipferry as one CloudFormation stack; nothing here runs in Lambda."""
