"""Prints a template as JSON with its language extensions (Fn::ForEach) written out, as SAM and CloudFormation write them out.

Run with the tools of `make setup`: .venv/bin/python tests/supply/expand.py systems/ecommerce/stack.yaml
"""

import json
import sys
from pathlib import Path

from samcli.lib.cfn_language_extensions import expand_language_extensions
from samcli.yamlhelper import yaml_parse

print(json.dumps(expand_language_extensions(yaml_parse(Path(sys.argv[1]).read_text()), enabled=True).expanded_template, default=str))
