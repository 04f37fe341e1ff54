"""What an import is: the rules every function shares. Nothing here knows HTTP, Lambda or the CDK."""
