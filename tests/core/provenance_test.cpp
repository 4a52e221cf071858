#include "core/provenance.hpp"

#include "support/catch.hpp"

using namespace toptheta;

TEST_CASE("the command is kept so that a shell runs it again, without what has no say in the result",
          "[provenance]") {
  const auto provenance = make_provenance({"/usr/bin/tt-eval", "run", "--threads", "2", "--prompt", "it's",
                                           "--threads=4", "-k", "16", "-o", "x.h5", "-q", "--output=y"},
                                          7);
  CHECK(provenance.command == "tt-eval run --prompt 'it'\\''s' -k 16");
  CHECK(provenance.seed == 7);
  CHECK(provenance.version == version());
  CHECK_FALSE(commit().empty());
}

TEST_CASE("shares of one calibration have one command", "[provenance]") {
  const auto command = [](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"tt-calibrate", "fit", "a.h5", "-k", "8"});
    return make_provenance(arguments, 0).command;
  };
  CHECK(command({"--shard", "2/3", "-o", "p.h5"}) == command({}));
  CHECK(command({"--shard=1/3", "--resume", "--checkpoint", "c", "--checkpoint-every=5"}) == command({}));
  CHECK(command({"--sdc-from", "theta.h5", "--sdc-offline"}) == command({"--sdc-offline"}));
}
