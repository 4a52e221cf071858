#include "tt_calibrate/commands.hpp"

namespace toptheta::app {
namespace {

const Program kProgram{
    "tt-calibrate",
    "Fits attention thresholds per head, from dumps or from a model and texts.",
    "Example:\n"
    "  tt-calibrate fit -k 16,32 --tac -o theta.h5    # the embedded model and texts\n"
    "  tt-calibrate show theta.h5",
    {{"fit", "Fit thresholds for one or several k",
      "  tt-calibrate fit --model DIR --text calib.txt -k 16,32,64 --tac -o theta.h5\n"
      "  tt-calibrate fit dumps/*.h5 -k 64 --layer-k 0:512,1:512 -o theta.h5\n"
      "Which to choose (docs/method.md):\n"
      "  for accuracy; run it with --placement post-softmax --vmc:\n"
      "  tt-calibrate fit --model M --text calib.txt -k 128 --tac \\\n"
      "      --placement post-softmax --length-bins 8 -o accurate.h5\n"
      "  (add --curve, and tt-calibrate budget can give each head a k of its own)\n"
      "  for speed; run it with --sdc calibrated --vmc --prefilter int8:\n"
      "  tt-calibrate fit --model M --text calib.txt -k 128 --sdc calibrated \\\n"
      "      --rho-law --length-bins 8 -o fast.h5",
      make_fit_command},
     {"merge", "Join the parts that fit --shard wrote",
      "  tt-calibrate fit dumps/*.h5 -k 64 --shard 1/2 -o part-1.h5\n"
      "  tt-calibrate fit dumps/*.h5 -k 64 --shard 2/2 -o part-2.h5\n"
      "  tt-calibrate merge part-*.h5 -o theta.h5",
      make_merge_command},
     {"dump", "Record a model's attention on texts in a dump",
      "  tt-calibrate dump --model DIR --text calib.txt --content qk -o dump.h5", make_dump_command},
     {"show", "Print what a threshold table holds",
      "  tt-calibrate show theta.h5 --layer 3 --head 0\n"
      "  tt-calibrate show theta.h5 --format json",
      make_show_command},
     {"retarget", "Find thresholds for another k without the data",
      "  tt-calibrate fit --curve -k 16 -o theta.h5\n"
      "  tt-calibrate retarget theta.h5 -k 48 -o t48.h5\n"
      "  tt-calibrate retarget theta.h5 --kept-mass 0.95 -o m95.h5",
      make_retarget_command},
     {"audit", "Check on unseen rows that a table keeps its k",
      "  tt-calibrate audit theta.h5        # on the embedded model's held-out texts\n"
      "  tt-calibrate audit theta.h5 --on held-out.h5 --tolerance 0.05\n"
      "                                     # exit status 1 if off by more than 5%",
      make_audit_command},
     {"drift", "Find heads that moved between tables or dumps",
      "  tt-calibrate drift old.h5 new.h5\n"
      "  tt-calibrate drift monday.h5 friday.h5 -k 64 --tolerance 0.1\n"
      "                                     # exit status 1 if a head moved",
      make_drift_command},
     {"budget", "Share out one budget over heads or layers",
      "  tt-calibrate fit --curve -k 16 -o theta.h5\n"
      "  tt-calibrate budget theta.h5 --kept-fraction 0.05 -o budget.h5\n"
      "  tt-calibrate budget theta.h5 --uniform-k 16 --per layer -o budget.h5\n"
      "                                     # also prints a --layer-k",
      make_budget_command},
     {"report", "Write an HTML page about a threshold table",
      "  tt-calibrate report theta.h5 -o page.html\n"
      "  tt-calibrate audit theta.h5 --format json -o audit.json\n"
      "  tt-calibrate report theta.h5 --audit audit.json -k 16 -o page.html",
      make_report_command},
     {"convert", "Convert a threshold table between formats",
      "  tt-calibrate convert theta.h5 -o th.txt\n"
      "  tt-calibrate convert theta.h5 -k 64 -o theta.h    # for kernels in C\n"
      "  tt-calibrate convert th.txt --sdc sdc.txt --placement pre-softmax \\\n"
      "      -o theta.h5",
      make_convert_command}}};

}  // namespace
}  // namespace toptheta::app

int main(int argc, char** argv) {
  return toptheta::app::run_main(toptheta::app::kProgram, argc, argv);
}
