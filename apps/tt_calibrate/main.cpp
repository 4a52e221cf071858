#include "tt_calibrate/commands.hpp"

namespace toptheta::app {
namespace {

const Program kProgram{
    "tt-calibrate",
    "Fits per-head attention thresholds: from attention dumps, or from a model and texts.",
    "Example:\n"
    "  tt-calibrate fit -k 16,32 --tac -o theta.h5      # the embedded model and texts\n"
    "  tt-calibrate show theta.h5",
    {{"fit", "Fit thresholds for one or several k",
      "  tt-calibrate fit --model DIR --text calib.txt -k 16,32,64 --tac --add-sigma 0.1 -o theta.h5\n"
      "  tt-calibrate fit dumps/*.h5 -k 64 --layer-k 0:512,1:512 -o theta.h5\n"
      "Which to choose (docs/method.md):\n"
      "  for accuracy, to run with --placement post-softmax --vmc:\n"
      "  tt-calibrate fit --model M --text calib.txt -k 128 --tac --placement post-softmax \\\n"
      "      --length-bins 8 -o accurate.h5\n"
      "  for speed, to run with --sdc calibrated --vmc --prefilter int8:\n"
      "  tt-calibrate fit --model M --text calib.txt -k 128 --tac --sdc calibrated \\\n"
      "      --length-bins 8 -o fast.h5",
      make_fit_command},
     {"merge", "Join the parts of a calibration that was dealt out with fit --shard",
      "  tt-calibrate fit dumps/*.h5 -k 64 --shard 1/2 -o part-1.h5\n"
      "  tt-calibrate fit dumps/*.h5 -k 64 --shard 2/2 -o part-2.h5\n"
      "  tt-calibrate merge part-*.h5 -o theta.h5",
      make_merge_command},
     {"dump", "Record a model's attention on texts",
      "  tt-calibrate dump --model DIR --text calib.txt --content qk -o dump.h5", make_dump_command},
     {"show", "Print what a threshold table holds",
      "  tt-calibrate show theta.h5 --layer 3 --head 0\n"
      "  tt-calibrate show theta.h5 --format json",
      make_show_command},
     {"retarget", "Thresholds for another k, kept fraction or kept mass, without the data",
      "  tt-calibrate fit --curve -k 16 -o theta.h5\n"
      "  tt-calibrate retarget theta.h5 -k 48 -o t48.h5\n"
      "  tt-calibrate retarget theta.h5 --kept-mass 0.95 -o m95.h5",
      make_retarget_command},
     {"audit", "Check on unseen rows that a threshold table keeps the k asked for",
      "  tt-calibrate audit theta.h5                                      # the embedded model's held-out "
      "texts\n"
      "  tt-calibrate audit theta.h5 --on held-out.h5 --tolerance 0.05    # exit status 1 past 5%",
      make_audit_command},
     {"drift", "Which heads have moved between two calibrations, or between two dumps",
      "  tt-calibrate drift old.h5 new.h5\n"
      "  tt-calibrate drift monday.h5 friday.h5 -k 64 --tolerance 0.1      # exit status 1 if a head moved",
      make_drift_command},
     {"budget", "Choose a k for every head or layer from one budget for all, to lose the least softmax mass",
      "  tt-calibrate fit --curve -k 16 -o theta.h5\n"
      "  tt-calibrate budget theta.h5 --kept-fraction 0.05 -o budget.h5\n"
      "  tt-calibrate budget theta.h5 --uniform-k 16 --per layer -o budget.h5      # prints a --layer-k",
      make_budget_command},
     {"report", "One HTML page about a threshold table: thresholds, spread, counts, provenance",
      "  tt-calibrate report theta.h5 -o page.html\n"
      "  tt-calibrate audit theta.h5 --format json -o audit.json\n"
      "  tt-calibrate report theta.h5 --audit audit.json -k 16 -o page.html",
      make_report_command},
     {"convert", "Convert a threshold table to and from exchange formats",
      "  tt-calibrate convert theta.h5 -o th.txt\n"
      "  tt-calibrate convert theta.h5 -k 64 -o theta.h         # for kernels in C; also .npz, "
      ".safetensors\n"
      "  tt-calibrate convert th.txt --sdc sdc.txt --placement pre-softmax -o theta.h5",
      make_convert_command}}};

}  // namespace
}  // namespace toptheta::app

int main(int argc, char** argv) {
  return toptheta::app::run_main(toptheta::app::kProgram, argc, argv);
}
