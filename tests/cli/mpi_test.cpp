// tt-calibrate and tt-eval sweep under mpirun; passed over where the program was built without MPI or there
// is no mpirun.
#include <fmt/format.h>

#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <limits>

#include "cli/world.hpp"
#include "cluster/communicator.hpp"
#include "dump/dump_file.hpp"
#include "support/catch.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

bool can_run() {
  return built_with_mpi() && std::system("mpirun --version > /dev/null 2>&1") == 0;
}

// `processes` of tt-calibrate, or another program; Open MPI leaks by design, which the leak checker is not to
// judge.
Outcome run_parallel(const World& world, int processes, const std::string& arguments,
                     const char* program = TT_CALIBRATE_PROGRAM) {
  const std::string command = fmt::format(
      "cd '{}' && OMP_NUM_THREADS=1 ASAN_OPTIONS=detect_leaks=0 OMPI_MCA_rmaps_base_oversubscribe=1 "
      "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun -n {} '{}' {} > mpi.out 2> mpi.err",
      world.path("").string(), processes, program, arguments);
  Outcome outcome;
  const int status = std::system(command.c_str());
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  outcome.out = world.content("mpi.out");
  outcome.err = world.content("mpi.err");
  return outcome;
}

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t found = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
    ++found;
  return found;
}

}  // namespace

TEST_CASE("several processes write the single process's file", "[mpi]") {
  if (!can_run()) return;
  const World world;
  (void)world.output("tt-calibrate dump --model model --text a.txt --context 13 -o d1.h5");
  (void)world.output("tt-calibrate dump --model model --text b.txt --content scores -o d2.h5");
  for (const std::string fit :
       {"fit d1.h5 d2.h5 -k 3,6 --sdc-offline --curve",
        "fit d1.h5 d2.h5 -k 3 --row-fraction 0.4 --estimator pooled",
        "fit d1.h5 d2.h5 -k 3,6 --length-bins 2 --sdc both --rho-law",
        "fit --model model --text a.txt b.txt --context 11 -k 3,6 --tac --sdc-offline"}) {
    INFO(fit);
    const std::string out = world.output("tt-calibrate " + fit + " -o whole.h5");
    for (const int processes : {1, 2, 3}) {
      const Outcome outcome = run_parallel(world, processes, fit + " -o parallel.h5");
      INFO(outcome.err);
      REQUIRE(outcome.status == 0);
      CHECK(world.content("parallel.h5") == world.content("whole.h5"));
      CHECK(outcome.out == out);
    }
  }
}

TEST_CASE("an error in one process ends all, with one message and its exit status", "[mpi]") {
  if (!can_run()) return;
  const World world;
  (void)world.output("tt-calibrate dump --model model --text a.txt --content scores --context 13 -o good.h5");
  DumpSpec spec;
  spec.fill = [](hdf5::Group& layer) {
    std::vector<float> values = scores(6, 6);
    values[6 * 5 + 2] = std::numeric_limits<float>::quiet_NaN();
    write_floats(layer, "scores", {kHeads, 6, 6}, values);
  };
  write_dump(world.path("bad.h5"), spec);
  const auto check = [&](const std::string& arguments, int status, const std::string& message) {
    const Outcome outcome = run_parallel(world, 3, arguments);
    INFO(outcome.err);
    CHECK(outcome.status == status);
    CHECK(count(outcome.err, "tt-calibrate: error:") == 1);
    CHECK(outcome.err.find(message) != std::string::npos);
    CHECK(outcome.out.empty());
    CHECK_FALSE(world.has("x.h5"));
  };
  check("fit none.h5 -k 3 -o x.h5", 3, "none.h5");                         // in all of them
  check("fit bad.h5 bad.h5 bad.h5 -k 1 -o x.h5", 3, "not a finite");       // in some, at some time
  check("fit good.h5 -k 3000 -o x.h5", 2, "no row has more than k keys");  // in the first only
  check("fit good.h5 -o x.h5", 2, "-k: not given");
  check("fit good.h5 -k 3 --nonsense -o x.h5", 2, "nonsense");
  check("fit good.h5 -k 3 --shard 1/2 -o x.h5", 2, "--shard");
  check("show good.h5", 2, "runs in one process");
}

TEST_CASE("several processes deal out a sweep's cells, and end in the single process's files", "[mpi]") {
  if (!can_run()) return;
  const World world;
  world.write(
      "s.toml",
      "[sweep]\nmodel = \"model\"\ntask = [\"quiz.jsonl\", \"b.txt\"]\nattention = [\"dense\", \"topk\"]\n"
      "k = [4, 8]\n");
  (void)world.output("tt-eval sweep s.toml -o whole -q");
  const Outcome outcome = run_parallel(world, 2, "sweep s.toml -o parallel -q", TT_EVAL_PROGRAM);
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  std::size_t cells = 0;
  for (const auto& entry : std::filesystem::directory_iterator(world.path("whole/cells"))) {
    const std::string name = "/cells/" + entry.path().filename().string();
    CHECK(world.content("parallel" + name) == world.content("whole" + name));
    ++cells;
  }
  CHECK(cells == 6);
  CHECK(world.content("parallel/sweep.json") == world.content("whole/sweep.json"));
  // A cell that fails in one of them fails the sweep, and loses no other.
  world.write("bad.toml",
              "[sweep]\nmodel = \"model\"\ntask = [\"quiz.jsonl\", \"none.jsonl\"]\nattention = \"dense\"\n");
  const Outcome bad = run_parallel(world, 2, "sweep bad.toml -o bad -q", TT_EVAL_PROGRAM);
  CHECK(bad.status == 4);
  CHECK(count(bad.err, "none.jsonl") > 0);
  CHECK(world.has("bad/cells/quiz__dense__prefill.json"));
}
