"""Subsegments of X-Ray, by Powertools. Apart from `observe`: to import the SDK behind it takes as long as boto3.

The copy function goes without: Lambda itself traces its invocations, and most cold starts are its own.
"""

from aws_lambda_powertools import Tracer

tracer = Tracer(auto_patch=False)
