#include "tt_eval/commands.hpp"

namespace toptheta::app {
namespace {

const Program kProgram{
    "tt-eval",
    "Evaluates sparse attention policies: accuracy, sparsity and speed.",
    "Example:\n"
    "  tt-calibrate fit -k 32 --tac -o theta.h5\n"
    "  tt-eval run -k 32 --thresholds theta.h5 --sdc exact --vmc",
    {{"run", "Evaluate attention policies on texts and tasks",
      "  tt-eval run --model DIR --task arc.jsonl book.txt --thresholds theta.h5 -k 64 \\\n"
      "      --attention dense topk theta --sdc exact --vmc -o result.json\n"
      "  tt-eval run -k 32 --thresholds theta.h5 \\\n"
      "      --attention dense theta theta:sdc=exact theta:sdc=exact,vmc\n"
      "Which to choose (docs/method.md; tt-calibrate fit --help shows how to fit each):\n"
      "  for accuracy:  --thresholds accurate.h5 \\\n"
      "                 --attention theta:placement=post-softmax,vmc\n"
      "  for speed:     --thresholds fast.h5 \\\n"
      "                 --attention theta:sdc=calibrated,vmc,prefilter=int8",
      make_run_command},
     {"sweep", "Evaluate every combination of policies and tasks",
      "  tt-eval sweep sweep.toml -o results\n"
      "  mpirun -n 4 tt-eval sweep sweep.toml -o results --threads 2",
      make_sweep_command},
     {"compare", "Compare two results or sweeps, paired",
      "  tt-eval compare before.json after.json --fail-if 'acc < A - 0.01'\n"
      "  tt-eval compare results --fail-if 'acc < dense - 0.01' \\\n"
      "      --fail-if 'kept_elements > 0.12'",
      make_compare_command},
     {"choose", "Pick the sparsest settings as good as dense",
      "  tt-eval choose results --within 0.01 --metric acc\n"
      "  tt-eval choose results --within 1% --metric perplexity --confidence 99%",
      make_choose_command},
     {"tune", "Find the smallest k whose loss is acceptable",
      "  tt-eval tune --thresholds theta.h5 --max-loss 1% --sdc exact --vmc\n"
      "  tt-eval tune --model DIR --task arc.jsonl --attention topk \\\n"
      "      --metric acc --max-loss 0.5%",
      make_tune_command},
     {"sensitivity", "Measure the cost of one sparse layer or head",
      "  tt-eval sensitivity --thresholds theta.h5 -k 32 --format csv -o layers.csv\n"
      "  tt-eval sensitivity --attention topk:k=16 --task heldout --model DIR",
      make_sensitivity_command},
     {"generate", "Continue a prompt under one or several policies",
      "  tt-eval generate --prompt \"Once upon a time\" \\\n"
      "      --attention dense theta --thresholds theta.h5 --vmc",
      make_generate_command},
     {"tokenize", "Print a text's token ids, or the text of ids",
      "  tt-eval tokenize --model DIR --text book.txt --format json -o ids.json\n"
      "  tt-eval tokenize --model DIR --ids ids.json",
      make_tokenize_command},
     {"bench", "Measure the speed of prefill and decode",
      "  tt-eval bench --shape d=768,layers=12,heads=12,ffn=2048,vocab=32000 \\\n"
      "      --kept 0.1,0.02 --prefill 512,2048 --decode-at 1024,4096 -o bench.json",
      make_bench_command},
     {"tasks", "List data sets, show prompts, make tasks",
      "  tt-eval tasks\n"
      "  tt-eval tasks show arc ARC-Easy.jsonl --limit 3\n"
      "  tt-eval tasks make needle --length 512 --count 100 -o needle-512.jsonl",
      make_tasks_command},
     {"logits", "Write or compare the logits of every token",
      "  tt-eval logits --model DIR --text text.txt -o logits.npy\n"
      "  tt-eval logits --model DIR --ids reference.h5 --reference reference.h5 \\\n"
      "      --tolerance 1e-4",
      make_logits_command},
     {"info", "Describe a model: architecture, size, memory", "  tt-eval info --model DIR --format json",
      make_info_command},
     {"report", "Write an HTML page about a directory of results",
      "  tt-eval report results/ -o report.html --figures figures/", make_report_command}}};

}  // namespace
}  // namespace toptheta::app

int main(int argc, char** argv) {
  return toptheta::app::run_main(toptheta::app::kProgram, argc, argv);
}
