# For editors: the names that are loaded when they are asked for.
from . import live as live
from .api.catalogues import ACTIVATIONS as ACTIVATIONS
from .api.catalogues import CELLS as CELLS
from .api.catalogues import TASKS as TASKS
from .api.measuring import measure as measure
from .api.nets import net as net
from .api.own_activation import Activation as Activation
from .api.tasks import task as task
from .api.training import train as train
from .networks.cells.cell import Cell as Cell

__version__: str
