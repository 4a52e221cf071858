// fit --follow with a live writer in h5py; passed over where Python or h5py are missing.
#include <fmt/format.h>

#include <cstdlib>

#include "cli/world.hpp"
#include "support/catch.hpp"
#include "support/sample_table.hpp"
#include "theta/formats/table_file.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

bool has_h5py() {
  return std::system("/usr/bin/python3 -c 'import h5py' 2>/dev/null") == 0;
}

// Copies the samples of a dump into live.h5 one by one, as docs/formats.md tells writers to; `last` of them,
// then sets the end mark if `ends`. Waits for the file `go` first, so that readers are there early.
constexpr const char* kWriter = R"(
import h5py, numpy as np, sys, time, os
last, ends = int(sys.argv[1]), sys.argv[2] == "ends"
source = h5py.File("full.h5", "r")
f = h5py.File("live.h5", "w", libver="latest")
f.attrs.update(dict(source.attrs))
progress = f.create_dataset("progress", data=np.zeros(2, "i8"))
names = sorted(source["samples"])
for name in names:
    s = f.create_group("samples/" + name)
    s.attrs.update(dict(source["samples"][name].attrs))
    for layer, old in source["samples"][name]["layers"].items():
        for key in old:
            s.create_dataset("layers/" + layer + "/" + key, old[key].shape, old[key].dtype, chunks=(1,) + old[key].shape[1:])
time.sleep(0.3)
f.swmr_mode = True
for i, name in enumerate(names[:last]):
    for layer, old in source["samples"][name]["layers"].items():
        for key in old:
            f["samples/" + name + "/layers/" + layer + "/" + key][...] = old[key][...]
    f.flush()
    progress[0] = i + 1
    progress.flush()
    time.sleep(0.05)
if ends:
    progress[1] = 1
    progress.flush()
    f.close()
else:
    os._exit(0)  # dies without closing the file
)";

// Starts the writer in the background.
void write_live(const World& world, int samples, const std::string& end) {
  std::filesystem::remove(world.path("live.h5"));
  world.write("writer.py", kWriter);
  const std::string command = fmt::format("cd '{}' && (/usr/bin/python3 writer.py {} {} > writer.log 2>&1 &)",
                                          world.path("").string(), samples, end);
  REQUIRE(std::system(command.c_str()) == 0);
}

void check_same_targets(const World& world, const std::string& a, const std::string& b) {
  const ThresholdTable left = load_table(world.path(a));
  const ThresholdTable right = load_table(world.path(b));
  REQUIRE(left.targets.size() == right.targets.size());
  for (std::size_t t = 0; t < left.targets.size(); ++t)
    check_same(left.targets[t], right.targets[t]);
  CHECK_FALSE(left.curves.empty());
  CHECK(left.curves == right.curves);
}

}  // namespace

TEST_CASE("a live dump gives the finished dump's thresholds") {
  if (!has_h5py()) return;
  const World world;
  for (const std::string content : {"qk", "scores"}) {
    (void)world.output(
        "tt-calibrate dump --model model --text a.txt b.txt --context 20 -o full.h5 --content " + content);
    const std::string flags = content == "qk" ? " -k 3,6 --sdc-offline --row-fraction 0.7 --curve"
                                              : " -k 3,6 --sdc both --rho-law --length-bins 2 --curve";
    (void)world.output("tt-calibrate fit full.h5 -o whole.h5" + flags);
    write_live(world, 1000, "ends");
    (void)world.output("tt-calibrate fit --follow live.h5 --follow-timeout 30 -o followed.h5" + flags);
    check_same_targets(world, "followed.h5", "whole.h5");
    // Finished by now: an ordinary dump, and still one to follow.
    (void)world.output("tt-calibrate fit live.h5 -o after.h5" + flags);
    check_same_targets(world, "after.h5", "whole.h5");
    (void)world.output("tt-calibrate fit --follow live.h5 -o again.h5" + flags);
    check_same_targets(world, "again.h5", "whole.h5");
    CHECK(load_table(world.path("again.h5")).meta.provenance.inputs.at(0).sha256.size() == 64);
  }
}

TEST_CASE("following stops at the timeout, or when intervals are narrow enough") {
  if (!has_h5py()) return;
  const World world;
  (void)world.output("tt-calibrate dump --model model --text a.txt b.txt --context 20 -o full.h5");
  write_live(world, 2, "dies");
  const Outcome cut = world.run("tt-calibrate fit --follow live.h5 --follow-timeout 3 -k 3 -o cut.h5");
  INFO(cut.err);
  REQUIRE(cut.status == 0);
  CHECK(cut.err.find("the writer did not finish in time: 2 samples used") != std::string::npos);
  CHECK(load_table(world.path("cut.h5")).targets[0].cells[0][0].count == 2);
  CHECK(load_table(world.path("cut.h5")).meta.provenance.inputs.at(0).sha256.empty());

  write_live(world, 1000, "ends");
  const Outcome narrow =
      world.run("tt-calibrate fit --follow live.h5 --follow-timeout 30 --until-ci 1000 -k 3 -o narrow.h5");
  INFO(narrow.err);
  REQUIRE(narrow.status == 0);
  const std::int64_t used = load_table(world.path("narrow.h5")).targets[0].cells[0][0].count;
  CHECK(used >= 2);
  CHECK(used < 7);  // of seven windows or more
  CHECK(narrow.err.find(fmt::format("{} samples used", used)) != std::string::npos);
}

TEST_CASE("what cannot be followed is told apart") {
  const World world;
  const auto check = [&](const std::string& flags, int status, const std::string& message) {
    const Outcome outcome = world.run("tt-calibrate fit -k 3 -o t.h5 " + flags);
    INFO(outcome.err);
    CHECK(outcome.status == status);
    CHECK(outcome.err.find(message) != std::string::npos);
    CHECK_FALSE(world.has("t.h5"));
  };
  check("--follow none.h5 --follow-timeout 0.2", 4, "no sample was complete within 0.2 s");
  check("--follow dump.h5", 3, "not a live dump");
  check("--follow dump.h5 dump.h5", 2, "cannot be combined with other inputs");
  check("--follow dump.h5 --shard 1/2", 2, "by a single process");
  check("--follow dump.h5 --tac", 2, "--tac");
  check("dump.h5 --until-ci 0.1", 2, "only applies with --follow");
}
