"""Reading a file of tensors, half precision included: safetensors, or PyTorch's own format."""

import importlib.util
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..ground.files import FileError

# How files end that torch.save has written.
PICKLES = (".pt", ".pth", ".ckpt", ".bin", ".pkl")
# Under which names programs of training put a state_dict beside other things.
NESTED = ("state_dict", "model_state_dict", "model")
FLOATS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}


@dataclass(frozen=True)
class TensorFile:
    """The tensors of one file by name, as bytes until they are asked for.

    Attributes
    ----------
    path : where they are from.
    shapes : the shape of every tensor.
    """

    path: Path
    shapes: dict[str, tuple[int, ...]]
    _kinds: dict[str, str]
    _bytes: dict[str, bytes | bytearray]

    def values(self, name: str) -> np.ndarray:
        """Return a tensor in float64.

        Raises
        ------
        FileError : it holds no floating-point numbers, or one that is not finite.
        """
        kind = self._kinds[name]
        if kind not in FLOATS:
            raise self.refusal(f"{name} is of the type {kind}; allowed: {', '.join(FLOATS)}")
        values = np.frombuffer(self._bytes[name], FLOATS[kind])
        if kind == "BF16":  # the upper half of a float32, which NumPy has no type for
            values = (values.astype(np.uint32) << 16).view(np.float32)
        if not np.isfinite(values).all():
            raise self.refusal(f"{name} is not finite")
        return values.reshape(self.shapes[name]).astype(np.float64)

    def replaced(self, made: dict[str, np.ndarray], gone: set[str]) -> "TensorFile":
        """Return the file with some tensors made and others gone."""
        tensors = {
            name: (self._kinds[name], shape, self._bytes[name])
            for name, shape in self.shapes.items()
            if name not in gone
        }
        for name, values in made.items():
            tensors[name] = "F64", values.shape, values.astype("<f8").tobytes()
        return _of(self.path, tensors)

    def refusal(self, reason: str) -> FileError:
        """Return the error that says why the file is of no use."""
        return FileError(f"cannot use {self.path}: {reason}")


def read(path: str | Path) -> TensorFile:
    """Read a `.safetensors` file; where PyTorch is, a `.pt` too.

    Raises
    ------
    FileError : it is missing, truncated, or no such file; or PyTorch is needed.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            start = file.read(2)
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from error
    if _is_pickle(path, start):
        return _of(path, _pickled(path))
    return _of(path, _safe(path))


def _is_pickle(path: Path, start: bytes) -> bool:
    """Tell whether torch.save has written a file, whatever it is called: best.pth.tar, model."""
    if start == b"PK" and path.suffix not in PICKLES:
        return zipfile.is_zipfile(path) and any(
            name.endswith("/data.pkl") for name in zipfile.ZipFile(path).namelist()
        )
    return start in (b"PK", b"\x80\x02")


def _safe(path: Path) -> dict[str, tuple]:
    """Return the tensors of a safetensors file: type, shape and bytes by name."""
    import safetensors  # what only nets from elsewhere need

    try:
        tensors = dict(safetensors.deserialize(path.read_bytes()))
        with safetensors.safe_open(path, "numpy") as file:
            remarks = file.metadata() or {}
    except safetensors.SafetensorError as error:
        reason = str(error).removeprefix("Error while deserializing: ")
        raise FileError(f"cannot read {path}: not a safetensors file ({reason})") from error
    # Weights that two modules share are saved once, with a remark on the other name.
    tensors |= {other: tensors[name] for other, name in remarks.items() if name in tensors}
    return {name: (part["dtype"], part["shape"], part["data"]) for name, part in tensors.items()}


def _pickled(path: Path) -> dict[str, tuple]:
    """Return the tensors of a file of torch.save, of which no code is run."""
    if importlib.util.find_spec("torch") is None:
        raise FileError(
            f"cannot read {path} without PyTorch, whose own format it has; where PyTorch is, two "
            f"lines convert it:\n{_conversion(path)}"
        )
    import torch  # for these files alone

    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of a damaged file any; of what is no tensor, pages of advice
        reason = str(error).split("\n")[0].split(". ")[0]
        raise FileError(
            f"cannot read {path}: not a file of tensors alone ({type(error).__name__}: {reason}); "
            "what else it holds may run as code and is not loaded; save the net's weights alone, "
            f"where it was trained:\n{_conversion(path, 'net.state_dict()')}"
        ) from None
    saved = _state_dict(path, saved)
    named = isinstance(saved, dict) and all(isinstance(name, str) for name in saved)
    tensors = (
        {name: value for name, value in saved.items() if torch.is_tensor(value)} if named else {}
    )
    if not tensors or len(tensors) < len(saved):
        others = [str(name) for name in saved if name not in tensors] if named else []
        raise FileError(
            f"cannot read {path}: no state_dict, tensors by name, is in it"
            + (f", but {', '.join(others[:6])}" if others else "")
            + "; allowed: what torch.save(net.state_dict(), ...) writes, also beside other things"
        )
    return {name: _parts(value) for name, value in tensors.items()}


def _state_dict(path: Path, saved):
    """Return the net's own part of what a program of training has saved."""
    if not isinstance(saved, dict):
        return saved
    nets = {name: part for name, part in saved.items() if isinstance(part, dict)}
    for name in NESTED:
        if name in nets:
            return nets[name]
    # Under any other name it is known by its recurrent weights.
    nets = {name: part for name, part in nets.items() if any("weight_hh" in str(k) for k in part)}
    if len(nets) > 1:
        raise FileError(
            f"cannot read {path}: {', '.join(map(str, nets))} are {len(nets)} nets; save the "
            "state_dict of one of them"
        )
    return next(iter(nets.values()), saved)


def _parts(tensor) -> tuple:
    """Return type, shape and bytes of a tensor of PyTorch; floating-point numbers in float64."""
    kind = "F64" if tensor.is_floating_point() else str(tensor.dtype).removeprefix("torch.")
    array = (tensor.double() if kind == "F64" else tensor).contiguous().numpy()
    return kind, array.shape, array.tobytes()


def _conversion(path: Path, state: str | None = None) -> str:
    """Return the two lines that make a safetensors file."""
    state = state or f'torch.load("{path.name}", map_location="cpu", weights_only=True)'
    return (
        f"    tensors = {{k: v.contiguous().clone() for k, v in {state}.items()}}\n"
        f'    safetensors.torch.save_file(tensors, "{path.stem}.safetensors")'
    )


def _of(path: Path, tensors: dict[str, tuple]) -> TensorFile:
    """Return a file of tensors, each with its type, shape and bytes."""
    tensors = dict(sorted(tensors.items()))
    return TensorFile(
        path,
        {name: tuple(shape) for name, (_, shape, _) in tensors.items()},
        {name: kind for name, (kind, _, _) in tensors.items()},
        {name: data for name, (_, _, data) in tensors.items()},
    )
