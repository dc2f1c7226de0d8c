"""From notebooks to a site: what to run, running it, remembering what need not run again, and the pages.

Only this package runs notebooks and writes reports; notebooks never import it.
"""

import sys

# jsonschema compiles this grammar at import, two seconds in every process, for a check nobody
# asks for. uv leaves the package out; under pip or conda this line does. It is here because
# papermill, nbformat and nbconvert all lead to it.
sys.modules.setdefault("rfc3987_syntax", None)
