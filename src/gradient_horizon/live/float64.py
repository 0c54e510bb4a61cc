"""A model in float64 for a while, and afterwards as it was, whatever happened meanwhile."""

import random
import warnings
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map

LOWER = (torch.float32, torch.float16, torch.bfloat16)
WITHOUT_FLOAT64 = {"mps"}
ROUNDING = (torch.Tensor.float, torch.Tensor.half, torch.Tensor.bfloat16)


@contextmanager
def in_float64(model: torch.nn.Module) -> Iterator[None]:
    """Let a model, and what is computed with it, be in float64 in the block.

    Parameters, buffers, gradients, hooks, modes, every attribute of its modules, and the states of
    the random generators are afterwards what they were, also if the block fails.

    Raises
    ------
    ValueError : the model is on a device without float64.
    """
    with ExitStack() as stack:
        stack.enter_context(_same_random_numbers(model))
        stack.enter_context(_attributes_kept(model))
        stack.enter_context(_tensors_in_float64(model))
        stack.enter_context(_default_dtype(torch.float64))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        # Its backward pass asks for the training mode.
        stack.enter_context(torch.backends.cudnn.flags(enabled=False))
        if hasattr(torch.compiler, "set_stance"):
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        stack.enter_context(torch.nn.utils.parametrize.cached())
        stack.enter_context(warnings.catch_warnings())
        warnings.filterwarnings("ignore", message="RNN module weights are not part of single")
        stack.enter_context(Upcasting())
        yield


class Upcasting(TorchFunctionMode):
    """Where float64 meets a lower precision, the result is in float64: inputs come as they are."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if kwargs.get("dtype") in LOWER:
            kwargs["dtype"] = torch.float64
        if func in ROUNDING:
            func = torch.Tensor.double
        elif func in (torch.Tensor.to, torch.Tensor.type):
            args = tuple(torch.float64 if _lower(argument) else argument for argument in args)
        name = getattr(func, "__name__", "")
        in_place = (name.endswith("_") and not name.endswith("__")) or name == "__setitem__"
        if not in_place and "out" not in kwargs and _lower_among(args, kwargs.values()):
            given = [*_floating(args), *_floating(kwargs.values())]
            if any(tensor.dtype == torch.float64 for tensor in given):
                args, kwargs = tree_map(upcast, (args, kwargs))
        return func(*args, **kwargs)


def _floating(values: Iterable) -> Iterator[torch.Tensor]:
    """Give the floating-point tensors among arguments."""
    for value in values:
        if isinstance(value, torch.Tensor):
            if value.is_floating_point():
                yield value
        elif isinstance(value, tuple | list):
            yield from _floating(value)


def _lower_among(args: tuple, further: Iterable) -> bool:
    """Tell whether there is a lower precision among arguments: quick, as there seldom is."""
    return any(value.dtype in LOWER for values in (args, further) for value in _floating(values))


def upcast(value):
    """Return a tensor of lower precision in float64, and anything else as it is."""
    if isinstance(value, torch.Tensor) and value.dtype in LOWER:
        return value.double()
    return value


def _lower(argument) -> bool:
    return isinstance(argument, torch.dtype) and argument in LOWER


@contextmanager
def _default_dtype(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def _same_random_numbers(model: torch.nn.Module) -> Iterator[None]:
    devices = {tensor.device for tensor in _tensors(model) if tensor.device.type == "cuda"}
    of_python, of_numpy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=list(devices)):
            yield
    finally:
        random.setstate(of_python)
        np.random.set_state(of_numpy)


@contextmanager
def _attributes_kept(model: torch.nn.Module) -> Iterator[None]:
    """Give every module its attributes back, and its dictionaries their entries."""
    modules = list(model.modules())
    before = [(vars(module), dict(vars(module)), _copies(vars(module))) for module in modules]
    try:
        yield
    finally:
        for attributes, whole, copies in before:
            attributes.clear()
            attributes.update(whole)
            for name, copy in copies.items():
                whole[name].clear()
                whole[name].update(copy)


def _copies(attributes: dict) -> dict:
    """Return copies of the dictionaries among a module's attributes: parameters, buffers, hooks."""
    return {name: dict(value) for name, value in attributes.items() if isinstance(value, dict)}


@contextmanager
def _tensors_in_float64(model: torch.nn.Module) -> Iterator[None]:
    tensors = _tensors(model)
    lacking = {tensor.device.type for tensor in tensors} & WITHOUT_FLOAT64
    if lacking:
        raise ValueError(
            f"the model is on a device without float64 ({', '.join(lacking)}); move it and its "
            "batch to another first, as by model.cpu()"
        )
    before = [(tensor, tensor.data, tensor.grad, tensor.requires_grad) for tensor in tensors]
    try:
        for tensor in tensors:
            tensor.grad = None
            if tensor.is_floating_point():
                tensor.data = tensor.data.double() if _double(tensor) else tensor.data.clone()
            else:
                tensor.data = tensor.data.clone()
            if isinstance(tensor, torch.nn.Parameter) and tensor.is_floating_point():
                tensor.requires_grad_()  # what is frozen has a gradient too
        yield
    finally:
        for tensor, data, gradient, requires_grad in before:
            tensor.grad = None
            tensor.data = data
            tensor.requires_grad_(requires_grad)
            tensor.grad = gradient


def _double(tensor: torch.Tensor) -> bool:
    return tensor.dtype in LOWER


def _tensors(model: torch.nn.Module) -> list[torch.Tensor]:
    """Return all parameters and buffers, each once."""
    found = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    for module in model.modules():  # what a step function is made of
        found |= {id(tensor): tensor for tensor in getattr(module, "own_parameters", {}).values()}
    return list(found.values())
