#include "tt_eval/commands.hpp"

namespace toptheta::app {
namespace {

const Program kProgram{
    "tt-eval",
    "Runs a reference transformer with dense, top-k and top-theta attention: accuracy and sparsity.",
    "Example:\n"
    "  tt-calibrate fit -k 32 --tac -o theta.h5\n"
    "  tt-eval run -k 32 --thresholds theta.h5 --sdc exact --vmc",
    {{"run", "Evaluate attention policies on texts and tasks",
      "  tt-eval run --model DIR --task arc.jsonl --task book.txt \\\n"
      "      --attention dense --attention topk --attention theta --thresholds theta.h5 -k 64 --sdc exact "
      "--vmc \\\n"
      "      -o result.json\n"
      "  tt-eval run -k 32 --thresholds theta.h5 --attention dense theta theta:sdc=exact "
      "theta:sdc=exact,vmc\n"
      "Which to choose (docs/method.md; tt-calibrate fit --help has the calibration of each):\n"
      "  for accuracy:  --thresholds accurate.h5 --attention theta:placement=post-softmax,vmc\n"
      "  for speed:     --thresholds fast.h5 --attention theta:sdc=calibrated,vmc,prefilter=int8",
      make_run_command},
     {"sweep", "Evaluate every combination of policies, k, tasks and phases, a result file for each",
      "  tt-eval sweep sweep.toml -o results\n"
      "  mpirun -n 4 tt-eval sweep sweep.toml -o results --threads 2",
      make_sweep_command},
     {"compare", "Two results or sweeps side by side, paired; conditions that must not hold",
      "  tt-eval compare before.json after.json --fail-if 'acc < A - 0.01'\n"
      "  tt-eval compare results --fail-if 'acc < dense - 0.01' --fail-if 'kept_elements > 0.12'",
      make_compare_command},
     {"choose", "Of a sweep, the smallest k and the sparsest cell as good as dense, for each policy",
      "  tt-eval choose results --within 0.01 --metric acc\n"
      "  tt-eval choose results --within 1% --metric perplexity --confidence 99%",
      make_choose_command},
     {"tune", "The smallest k whose loss against dense is small enough, thresholds retargeted on the way",
      "  tt-eval tune --thresholds theta.h5 --max-loss 1% --metric perplexity --sdc exact --vmc\n"
      "  tt-eval tune --model DIR --task arc.jsonl --attention topk --metric acc --max-loss 0.5%",
      make_tune_command},
     {"sensitivity", "Each layer or head alone made sparse: how much the likelihoods suffer",
      "  tt-eval sensitivity --thresholds theta.h5 -k 32 --format csv -o layers.csv\n"
      "  tt-eval sensitivity --attention topk:k=16 --task heldout --model DIR",
      make_sensitivity_command},
     {"generate", "Continue a prompt, for a look with a human eye",
      "  tt-eval generate --prompt \"Once upon a time\" --attention dense theta --thresholds theta.h5 "
      "--vmc",
      make_generate_command},
     {"tokenize", "A text's token ids, and ids back to a text",
      "  tt-eval tokenize --model DIR --text book.txt --format json -o ids.json\n"
      "  tt-eval tokenize --model DIR --ids ids.json",
      make_tokenize_command},
     {"bench", "Measure speed: prefill and decode tokens/s, and how near they are to the machine's limits",
      "  tt-eval bench --shape d=768,layers=12,heads=12,ffn=2048,vocab=32000 --kept 0.1,0.02 \\\n"
      "      --prefill 512,2048 --decode-at 1024,4096 -o bench.json",
      make_bench_command},
     {"tasks", "List the data sets that are known, show a file's prompts, make tasks of a chosen length",
      "  tt-eval tasks\n"
      "  tt-eval tasks show arc ARC-Easy.jsonl --limit 3\n"
      "  tt-eval tasks make needle --length 512 --count 100 -o needle-512.jsonl",
      make_tasks_command},
     {"logits", "Write every token's logits, or compare them with another program's",
      "  tt-eval logits --model DIR --text text.txt -o logits.npy\n"
      "  tt-eval logits --model DIR --ids reference.h5 --reference reference.h5 --tolerance 1e-4",
      make_logits_command},
     {"info", "Say what a model is: architecture, size, memory, special tokens, what is not used",
      "  tt-eval info --model DIR --format json", make_info_command},
     {"report", "Write one self-contained page about a folder of results",
      "  tt-eval report results/ -o report.html --figures figures/", make_report_command}}};

}  // namespace
}  // namespace toptheta::app

int main(int argc, char** argv) {
  return toptheta::app::run_main(toptheta::app::kProgram, argc, argv);
}
