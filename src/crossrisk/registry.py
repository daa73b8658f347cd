"""Names at the edge of the house: what users type becomes an object, imported only then.

Inside the house things call each other by import. Other people's packages add names through the entry-point groups
`crossrisk.tasks`, `crossrisk.defenses`, `crossrisk.sources`, `crossrisk.judges` and `crossrisk.attacks`.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from crossrisk.errors import RequestError, unknown


class Registry:
    """Maps a name to `module:attribute`, and imports it when it is asked for."""

    def __init__(self, kind: str, built_in: Mapping[str, str]) -> None:
        self.kind = kind
        self.built_in = dict(built_in)

    @cached_property
    def paths(self) -> dict[str, str]:
        """name -> `module:attribute`; a built-in name cannot be taken over by another package."""
        found = {entry.name: entry.value for entry in entry_points(group=f"crossrisk.{self.kind}s")}
        return found | self.built_in

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self.paths))

    def __contains__(self, name: object) -> bool:
        return name in self.paths

    def get(self, name: str) -> Any:
        """The object behind a name. Raises RequestError, with near names, for one that is not known."""
        if name not in self.paths:
            raise unknown(self.kind, name, self.paths)
        module, _, attribute = self.paths[name].partition(":")
        try:
            return getattr(import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise RequestError(f"{self.kind} '{name}' could not be loaded from {self.paths[name]}: {error}") from error


TASKS = Registry(
    "task",
    {
        "misuse": "crossrisk.tasks.safety.misuse:misuse",
        "jailbreak": "crossrisk.tasks.safety.jailbreak:jailbreak",
        "toxic_content": "crossrisk.tasks.safety.toxic_content:toxic_content",
        "harmful_knowledge": "crossrisk.tasks.safety.harmful_knowledge:harmful_knowledge",
        "stereotype_query": "crossrisk.tasks.fairness.stereotype_query:stereotype_query",
        "stereotype_agreement": "crossrisk.tasks.fairness.stereotype_agreement:stereotype_agreement",
        "stereotype_recognition": "crossrisk.tasks.fairness.stereotype_recognition:stereotype_recognition",
        "bbq": "crossrisk.tasks.fairness.bbq:bbq",
        "stereotype_likelihood": "crossrisk.tasks.fairness.stereotype_likelihood:stereotype_likelihood",
        "decision": "crossrisk.tasks.fairness.decision:decision",
        "matched_guise": "crossrisk.tasks.fairness.matched_guise:matched_guise",
        "privacy_awareness": "crossrisk.tasks.privacy.privacy_awareness:privacy_awareness",
        "contextual_privacy": "crossrisk.tasks.privacy.contextual_privacy:contextual_privacy",
        "pii_leakage": "crossrisk.tasks.privacy.pii_leakage:pii_leakage",
        "extraction": "crossrisk.tasks.privacy.extraction:extraction",
        "membership_inference": "crossrisk.tasks.privacy.membership_inference:membership_inference",
        "over_refusal": "crossrisk.tasks.service.over_refusal:over_refusal",
        "quality_of_service": "crossrisk.tasks.service.quality_of_service:quality_of_service",
        "persona_refusal": "crossrisk.tasks.service.persona_refusal:persona_refusal",
        "utility": "crossrisk.tasks.utility.utility:utility",
        "knowledge": "crossrisk.tasks.utility.knowledge:knowledge",
        "reasoning": "crossrisk.tasks.utility.reasoning:reasoning",
        "instruction": "crossrisk.tasks.utility.instruction:instruction",
        "fluency": "crossrisk.tasks.utility.fluency:fluency",
    },
)

SOURCES = Registry(
    "source",
    {
        "world": "crossrisk.sources.world:world",
        "core": "crossrisk.sources.core.source:core",
        "advbench": "crossrisk.sources.advbench:advbench",
        "adversarialqa": "crossrisk.sources.red_instruct:adversarialqa",
        "bbq": "crossrisk.sources.bbq:bbq",
        "bold": "crossrisk.sources.bold:bold",
        "catqa": "crossrisk.sources.red_instruct:catqa",
        "confaide": "crossrisk.sources.confaide:confaide",
        "crows_pairs": "crossrisk.sources.crows_pairs:crows_pairs",
        "dangerousqa": "crossrisk.sources.red_instruct:dangerousqa",
        "decodingtrust_fairness": "crossrisk.sources.decodingtrust_fairness:decodingtrust_fairness",
        "decodingtrust_stereotype": "crossrisk.sources.decodingtrust_stereotype:decodingtrust_stereotype",
        "dialect_prejudice": "crossrisk.sources.dialect_prejudice:dialect_prejudice",
        "do_not_answer": "crossrisk.sources.do_not_answer:do_not_answer",
        "dolly": "crossrisk.sources.dolly:dolly",
        "gptfuzzer": "crossrisk.sources.gptfuzzer:gptfuzzer",
        "gsm8k": "crossrisk.sources.gsm8k:gsm8k",
        "guardrail_sensitivity": "crossrisk.sources.guardrail_sensitivity:guardrail_sensitivity",
        "harmbench": "crossrisk.sources.harmbench:harmbench",
        "harmfulqa": "crossrisk.sources.red_instruct:harmfulqa",
        "hh_rlhf": "crossrisk.sources.hh_rlhf:hh_rlhf",
        "holistic_bias": "crossrisk.sources.holistic_bias:holistic_bias",
        "jailbreakbench": "crossrisk.sources.jailbreakbench:jailbreakbench",
        "lm_extraction_benchmark": "crossrisk.sources.lm_extraction_benchmark:lm_extraction_benchmark",
        "mmlu": "crossrisk.sources.mmlu:mmlu",
        "mt_bench": "crossrisk.sources.mt_bench:mt_bench",
        "pandaguard": "crossrisk.sources.pandaguard:pandaguard",
        "simple_safety_tests": "crossrisk.sources.simple_safety_tests:simple_safety_tests",
        "stereoset": "crossrisk.sources.stereoset:stereoset",
        "strongreject": "crossrisk.sources.strongreject:strongreject",
        "tofu": "crossrisk.sources.tofu:tofu",
        "toxigen": "crossrisk.sources.toxigen:toxigen",
        "trustllm": "crossrisk.sources.trustllm:trustllm",
        "truthfulqa": "crossrisk.sources.truthfulqa:truthfulqa",
        "winobias": "crossrisk.sources.winobias:winobias",
        "xstest": "crossrisk.sources.xstest:xstest",
    },
)

DEFENSES = Registry(
    "defense",
    {
        "null": "crossrisk.defenses.null:null",
        "sham": "crossrisk.defenses.sham:sham",
        "reminder_safety": "crossrisk.defenses.grid:reminder_safety",
        "reminder_fairness": "crossrisk.defenses.grid:reminder_fairness",
        "reminder_privacy": "crossrisk.defenses.grid:reminder_privacy",
        "self_reminder": "crossrisk.defenses.self_reminder:self_reminder",
        "self_awareness": "crossrisk.defenses.self_awareness:self_awareness",
        "privacy_reminder": "crossrisk.defenses.privacy_reminder:privacy_reminder",
        "goal_prioritisation": "crossrisk.defenses.goal_prioritisation:goal_prioritisation",
        "in_context_defense": "crossrisk.defenses.in_context_defense:in_context_defense",
        "self_check_input": "crossrisk.defenses.self_check:self_check_input",
        "self_check_output": "crossrisk.defenses.self_check:self_check_output",
        "perplexity_filter": "crossrisk.defenses.perplexity_filter:perplexity_filter",
        "smoothllm": "crossrisk.defenses.smoothllm:smoothllm",
        "pii_scrubber": "crossrisk.defenses.pii_scrubber:pii_scrubber",
        "preference_safety": "crossrisk.defenses.grid:preference_safety",
        "preference_fairness": "crossrisk.defenses.grid:preference_fairness",
        "preference_privacy": "crossrisk.defenses.grid:preference_privacy",
        "unlearning_safety": "crossrisk.defenses.grid:unlearning_safety",
        "unlearning_fairness": "crossrisk.defenses.grid:unlearning_fairness",
        "unlearning_privacy": "crossrisk.defenses.grid:unlearning_privacy",
        "dpo": "crossrisk.defenses.dpo:dpo",
        "dpo_debias": "crossrisk.defenses.dpo_debias:dpo_debias",
        "npo": "crossrisk.defenses.npo:npo",
        "gradient_ascent": "crossrisk.defenses.gradient_ascent:gradient_ascent",
        "grad_diff": "crossrisk.defenses.grad_diff:grad_diff",
        "simnpo": "crossrisk.defenses.simnpo:simnpo",
        "idk_dpo": "crossrisk.defenses.idk_dpo:idk_dpo",
        "safe_unlearning": "crossrisk.defenses.safe_unlearning:safe_unlearning",
        "bias_unlearn": "crossrisk.defenses.bias_unlearn:bias_unlearn",
        "cat": "crossrisk.defenses.cat:cat",
        "cda": "crossrisk.defenses.cda:cda",
        "task_vector": "crossrisk.defenses.task_vector:task_vector",
        "task_vector_safety": "crossrisk.defenses.grid:task_vector_safety",
        "task_vector_fairness": "crossrisk.defenses.grid:task_vector_fairness",
        "task_vector_privacy": "crossrisk.defenses.grid:task_vector_privacy",
        "bias_vector": "crossrisk.defenses.bias_vector:bias_vector",
        "neurons_safety": "crossrisk.defenses.grid:neurons_safety",
        "neurons_fairness": "crossrisk.defenses.grid:neurons_fairness",
        "neurons_privacy": "crossrisk.defenses.grid:neurons_privacy",
        "depn": "crossrisk.defenses.depn:depn",
        "dinm": "crossrisk.defenses.dinm:dinm",
        "spin": "crossrisk.defenses.spin:spin",
        "representation_safety": "crossrisk.defenses.grid:representation_safety",
        "representation_fairness": "crossrisk.defenses.grid:representation_fairness",
        "representation_privacy": "crossrisk.defenses.grid:representation_privacy",
        "circuit_breakers": "crossrisk.defenses.circuit_breakers:circuit_breakers",
        "rmu": "crossrisk.defenses.rmu:rmu",
        "decoding_safety": "crossrisk.defenses.grid:decoding_safety",
        "decoding_fairness": "crossrisk.defenses.grid:decoding_fairness",
        "decoding_privacy": "crossrisk.defenses.grid:decoding_privacy",
        "safe_decoding": "crossrisk.defenses.safe_decoding:safe_decoding",
        "self_debias": "crossrisk.defenses.self_debias:self_debias",
        "memfree": "crossrisk.defenses.memfree:memfree",
        "tsdi": "crossrisk.defenses.tsdi:tsdi",
        "steering_safety": "crossrisk.defenses.grid:steering_safety",
        "steering_fairness": "crossrisk.defenses.grid:steering_fairness",
        "steering_privacy": "crossrisk.defenses.grid:steering_privacy",
        "scans": "crossrisk.defenses.scans:scans",
        "fairsteer": "crossrisk.defenses.fairsteer:fairsteer",
        "leace": "crossrisk.defenses.leace:leace",
        "safeswitch": "crossrisk.defenses.safeswitch:safeswitch",
        "fine_tuned": "crossrisk.defenses.fine_tuned:fine_tuned",
        "scrubbed_training": "crossrisk.defenses.scrubbed_training:scrubbed_training",
        "dp_sgd": "crossrisk.defenses.dp_sgd:dp_sgd",
        "checkpoint": "crossrisk.defenses.ready:checkpoint",
        "adapter": "crossrisk.defenses.ready:adapter",
    },
)

JUDGES = Registry(
    "judge",
    {
        "refusal:rules": "crossrisk.judges.rules:refusal",
        "harm:rules": "crossrisk.judges.rules:harm",
        "toxicity:rules": "crossrisk.judges.rules:toxicity",
        "stereotype:rules": "crossrisk.judges.rules:stereotype",
        "agreement:rules": "crossrisk.judges.rules:agreement",
        "pii:rules": "crossrisk.judges.rules:pii",
        "pii:spans": "crossrisk.judges.pii_spans:spans",
        "correctness:rules": "crossrisk.judges.rules:correctness",
        "taxonomy:rules": "crossrisk.judges.taxonomy:taxonomy",
        "harm:string_zou2023universal": "crossrisk.judges.string_matching:zou2023universal",
        "harm:string_zou2023universal_demo": "crossrisk.judges.string_matching:zou2023universal_demo",
        "harm:string_zou2023universal_individual": "crossrisk.judges.string_matching:zou2023universal_individual",
        "harm:string_zou2023universal_transfer": "crossrisk.judges.string_matching:zou2023universal_transfer",
        "harm:string_zou2023universal_closed": "crossrisk.judges.string_matching:zou2023universal_closed",
        "harm:string_liu2024autodan": "crossrisk.judges.string_matching:liu2024autodan",
        "harm:string_liu2024autodan_keyword": "crossrisk.judges.string_matching:liu2024autodan_keyword",
        "harm:string_liu2024autodan_implementation": "crossrisk.judges.string_matching:liu2024autodan_implementation",
        "harm:string_zhang2024intention_keyword": "crossrisk.judges.string_matching:zhang2024intention_keyword",
        "harm:string_lapid2023open": "crossrisk.judges.string_matching:lapid2023open",
        "harm:string_allsubstringh": "crossrisk.judges.string_matching:allsubstringh",
        "harm:harmbench": "crossrisk.judges.models.harmbench:harm",
        "harm:harmbench_val": "crossrisk.judges.models.harmbench:harm_val",
        "harm:wildguard": "crossrisk.judges.models.wildguard:harm",
        "harm:qwen3guard": "crossrisk.judges.models.qwen3guard:harm",
        "harm:llamaguard": "crossrisk.judges.models.llamaguard:harm",
        "harm:strongreject": "crossrisk.judges.models.strongreject:harm",
        "harm:strongreject_rubric": "crossrisk.judges.models.strongreject_rubric:harm",
        "harm:gptfuzz": "crossrisk.judges.models.gptfuzz:harm",
        "refusal:wildguard": "crossrisk.judges.models.wildguard:refusal",
        "refusal:qwen3guard": "crossrisk.judges.models.qwen3guard:refusal",
        "refusal:minos": "crossrisk.judges.models.minos:refusal",
        "refusal:longformer": "crossrisk.judges.models.longformer:refusal",
        "refusal:chat": "crossrisk.judges.models.xstest:refusal",
        "toxicity:toxic_bert": "crossrisk.judges.models.toxic_bert:toxicity",
        "refusal:builtin": "crossrisk.judges.builtin.judges:refusal",
        "taxonomy:builtin": "crossrisk.judges.builtin.judges:taxonomy",
        "harm:builtin": "crossrisk.judges.builtin.judges:harm",
        "toxicity:builtin": "crossrisk.judges.builtin.judges:toxicity",
        "stereotype:builtin": "crossrisk.judges.builtin.judges:stereotype",
        "refusal:world": "crossrisk.judges.world:refusal",
        "harm:world": "crossrisk.judges.world:harm",
        "toxicity:world": "crossrisk.judges.world:toxicity",
        "stereotype:world": "crossrisk.judges.world:stereotype",
        "agreement:world": "crossrisk.judges.world:agreement",
        "pii:world": "crossrisk.judges.world:pii",
        "correctness:world": "crossrisk.judges.world:correctness",
        "taxonomy:world": "crossrisk.judges.world_taxonomy:taxonomy",
    },
)

ATTACKS = Registry(
    "attack",
    {
        "unlocked_mode": "crossrisk.attacks.templates:unlocked_mode",
        "two_answers": "crossrisk.attacks.templates:two_answers",
        "opposite_day": "crossrisk.attacks.templates:opposite_day",
        "authority": "crossrisk.attacks.templates:authority",
        "prefix_injection": "crossrisk.attacks.prefix_injection:prefix_injection",
        "refusal_suppression": "crossrisk.attacks.refusal_suppression:refusal_suppression",
        "villain": "crossrisk.attacks.role_play:villain",
        "nested_story": "crossrisk.attacks.role_play:nested_story",
        "grandmother": "crossrisk.attacks.role_play:grandmother",
        "past_tense": "crossrisk.attacks.past_tense:past_tense",
        "caesar": "crossrisk.attacks.ciphers:caesar",
        "rot13": "crossrisk.attacks.ciphers:rot13",
        "base64": "crossrisk.attacks.ciphers:base64_code",
        "leet": "crossrisk.attacks.ciphers:leet",
        "morse": "crossrisk.attacks.ciphers:morse",
        "few_shot": "crossrisk.attacks.few_shot:few_shot",
        "escalation": "crossrisk.attacks.multi_turn:escalation",
        "insistence": "crossrisk.attacks.multi_turn:insistence",
        "payload_splitting": "crossrisk.attacks.payload_splitting:payload_splitting",
    },
)
