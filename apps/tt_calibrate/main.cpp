#include "tt_calibrate/commands.hpp"

int main(int argc, char** argv) {
  using namespace toptheta::app;
  const Program program{
      .name = "tt-calibrate",
      .summary =
          "Fits per-head attention thresholds that keep about k elements of every attention row\n"
          "(Top-Theta attention, arXiv 2502.08363).",
      .example =
          "Start here, with the model and texts that come with the program:\n"
          "  tt-calibrate fit -k 16,32,64 --tac -o theta.h5\n"
          "  tt-calibrate show theta.h5\n",
      .commands = {fit_command(), dump_command(), show_command(), convert_command()}};
  return run_main(program, argc, argv);
}
