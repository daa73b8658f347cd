"""Preference training by TRL, kept to itself: no network, no files that stay, nothing printed, the target untouched."""

import copy
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from datasets import Dataset
from torch import Tensor
from transformers.trainer_callback import PrinterCallback, ProgressCallback
from transformers.utils import logging
from trl import DPOConfig, DPOTrainer

from crossrisk.defenses.defense import Preference
from crossrisk.defenses.fine_tuning import Copy, check_finite, plain_adapter, tokenised, twin
from crossrisk.errors import RequestError

if TYPE_CHECKING:
    from crossrisk.defenses.preference import Preferring
    from crossrisk.targets.target import Target


class QuietTrainer(DPOTrainer):  # type: ignore[misc]
    """TRL's trainer, given token ids as the target itself makes them, and silent towards the outside."""

    def _prepare_dataset(self, dataset: Dataset, *_: Any) -> Dataset:
        # TRL would render and tokenise by itself, and know nothing of the chat edits that stand on the target.
        return dataset

    def _send_telemetry(self) -> None:
        # A study reports to nobody.
        return


def preferred(
    target: "Target", pairs: Sequence[Preference], settings: "Preferring", *, seed: int
) -> tuple[Mapping[str, Tensor], Mapping[str, Any] | None, list[float]]:
    """What DPO on `pairs` leads to and the loss at each step: a LoRA and its configuration, or a delta and None.

    Raises RequestError where a loss is no number.
    """
    rows = settings.micro_batch_size or settings.batch_size
    if settings.batch_size % rows:
        raise RequestError(
            f"'batch_size' of defense '{settings.name}' is no multiple of 'micro_batch_size', "
            f"{settings.batch_size} of {rows}: change one"
        )
    whole = Copy(target) if settings.lora is None else None
    model = twin(target.model) if whole is None else whole.model
    terms = {"sigmoid": 1.0} | ({"sft": settings.sft_weight} if settings.sft_weight else {})
    with _silence(), tempfile.TemporaryDirectory() as folder:
        config = DPOConfig(
            output_dir=folder,
            beta=settings.beta,
            loss_type=list(terms),
            loss_weights=list(terms.values()),
            max_length=None,
            learning_rate=settings.learning_rate,
            lr_scheduler_type="linear",
            per_device_train_batch_size=rows,
            gradient_accumulation_steps=settings.batch_size // rows,
            max_steps=settings.steps,
            seed=seed,
            data_seed=seed,
            optim="adamw_torch",
            # Matrices in float32 meet activations in bfloat16; a LoRA sees to that itself.
            bf16=whole is not None and model.dtype == torch.bfloat16,
            use_cpu=target.device.type == "cpu",
            gradient_checkpointing=settings.gradient_checkpointing,
            dataloader_pin_memory=False,
            save_strategy="no",
            logging_steps=1,
            logging_nan_inf_filter=False,
            report_to="none",
            disable_tqdm=True,
        )
        # Rows are trained on where the model is; TRL refuses to spread them over all GPUs that it sees.
        config._n_gpu = min(config.n_gpu, 1)
        without_dropout(model)
        trainer = QuietTrainer(
            model=model,
            # With a LoRA the reference is the model with the LoRA off.
            ref_model=None if whole is None else twin(target.model),
            args=config,
            train_dataset=_token_ids(target, pairs),
            processing_class=copy.deepcopy(target.tokenizer),
            peft_config=None if settings.lora is None else settings.lora.config(model),
        )
        for callback in (PrinterCallback, ProgressCallback):
            trainer.remove_callback(callback)
        trainer.train()
        losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    for step, loss in enumerate(losses):
        check_finite([loss], step, settings.steps, target.name)
    if whole is not None:
        return whole.delta(), None, losses
    adapter = plain_adapter(trainer.model)
    return adapter.tensors, adapter.config, losses


def without_dropout(model: Any) -> None:
    """No dropout in training: TRL turns off modules of it, and some families (OPT) call the function instead.

    With it neither the policy nor a LoRA's reference, which is the same model, would be what the loss says.
    """
    for module in model.modules():
        for name in ("dropout", "attention_dropout", "activation_dropout", "layerdrop"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)


@contextmanager
def _silence() -> Iterator[None]:
    """No warnings and no log lines of the libraries for the length of the block."""
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(verbosity)


def _token_ids(target: "Target", pairs: Sequence[Preference]) -> Dataset:
    chats = [pair.messages for pair in pairs]
    chosen = tokenised(target, chats, [pair.chosen for pair in pairs])
    rejected = tokenised(target, chats, [pair.rejected for pair in pairs])
    return Dataset.from_dict(
        {
            "prompt_ids": [list(row.prompt) for row in chosen],
            "chosen_ids": [list(row.reply) for row in chosen],
            "rejected_ids": [list(row.reply) for row in rejected],
        }
    )
