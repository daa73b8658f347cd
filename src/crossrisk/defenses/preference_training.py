"""Preference training by TRL, kept to itself: no network, no files that stay, nothing printed, the target untouched."""

import copy
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from datasets import Dataset
from peft import LoraConfig
from transformers.pytorch_utils import Conv1D
from transformers.trainer_callback import PrinterCallback, ProgressCallback
from transformers.utils import logging
from trl import DPOConfig, DPOTrainer

from crossrisk.defenses.defense import Preference
from crossrisk.defenses.fine_tuning import copied, tokenised
from crossrisk.targets.adapter import Adapter, adapter_of

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
) -> tuple[Adapter, list[float]]:
    """The LoRA that DPO on `pairs` leads to, and the loss at each step."""
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
            per_device_train_batch_size=settings.batch_size,
            max_steps=settings.steps,
            seed=seed,
            data_seed=seed,
            optim="adamw_torch",
            bf16=False,
            use_cpu=target.device.type == "cpu",
            gradient_checkpointing=False,
            dataloader_pin_memory=False,
            save_strategy="no",
            logging_steps=1,
            logging_nan_inf_filter=False,
            report_to="none",
            disable_tqdm=True,
        )
        model = copied(target.model)
        trainer = QuietTrainer(
            model=model,
            args=config,
            train_dataset=_token_ids(target, pairs),
            processing_class=copy.deepcopy(target.tokenizer),
            peft_config=LoraConfig(
                r=settings.rank,
                lora_alpha=settings.alpha,
                lora_dropout=0.0,
                target_modules="all-linear",
                fan_in_fan_out=any(isinstance(module, Conv1D) for module in model.modules()),
                task_type="CAUSAL_LM",
            ),
        )
        for callback in (PrinterCallback, ProgressCallback):
            trainer.remove_callback(callback)
        trainer.train()
        losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
        return _plain(adapter_of(trainer.model)), losses


def _plain(adapter: Adapter) -> Adapter:
    """The adapter with the settings that make it what it is, and nothing of where and with what it was trained."""
    kept = ("peft_type", "task_type", "r", "lora_alpha", "target_modules", "fan_in_fan_out")
    return Adapter(adapter.tensors, {key: adapter.config[key] for key in kept})


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
