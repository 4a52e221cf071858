// What fit takes and what it says it will take: --dry-run, --max-memory, --digest, progress in bytes.
#include <nlohmann/json.hpp>

#include "cli/world.hpp"
#include "support/catch.hpp"
#include "theta/formats/table_file.hpp"

using namespace toptheta;
using namespace toptheta::testing;
using Json = nlohmann::json;

TEST_CASE("a dry run tells what would be read, and writes nothing") {
  const World world;
  const Json estimate =
      Json::parse(world.output("tt-calibrate fit dump.h5 -k 2,3 --dry-run --format json -o t.h5"));
  const Json& row = estimate.at("rows").at(0);
  CHECK(row.at("samples") > 0);
  CHECK(row.at("bytes") > 0);
  CHECK(row.at("passes") == 1);
  CHECK(row.at("peak_memory") >= row.at("least_memory"));
  CHECK_FALSE(world.has("t.h5"));
  const Json two =
      Json::parse(world.output("tt-calibrate fit dump.h5 -k 3 --sdc-offline --dry-run --format json"));
  CHECK(two.at("rows").at(0).at("passes") == 2);
  CHECK(two.at("rows").at(0).at("entries") < row.at("entries"));
  CHECK(world.run("tt-calibrate fit --model model --text a.txt -k 3 --dry-run").status == 2);
}

TEST_CASE("a limit of memory changes nothing but memory, and one that cannot be kept is refused") {
  const World world;
  (void)world.output("tt-calibrate fit dump.h5 -k 2,3 -o free.h5");
  (void)world.output("tt-calibrate fit dump.h5 -k 2,3 --max-memory 1G -o limited.h5");
  CHECK(world.content("free.h5") == world.content("limited.h5"));
  const Outcome little = world.run("tt-calibrate fit dump.h5 -k 3 --max-memory 1M -o little.h5");
  CHECK(little.status == 2);
  CHECK(little.err.find("at least") != std::string::npos);
  CHECK_FALSE(world.has("little.h5"));
  // The least that is named suffices.
  const std::size_t from = little.err.find("at least ") + 9;
  const std::string least = little.err.substr(from, little.err.find('M', from) + 1 - from);
  CHECK(world.run("tt-calibrate fit dump.h5 -k 3 --max-memory " + least + " -o least.h5").status == 0);
  for (const std::string size : {"much", "-1G", "5X", "0", "1GG", ""}) {
    const Outcome refused = world.run("tt-calibrate fit dump.h5 -k 3 -o t.h5 --max-memory=" + size);
    CHECK(refused.status == 2);
    INFO(refused.err);
    CHECK((size.empty() || refused.err.find("not an amount of memory") != std::string::npos));
  }
  CHECK(world.run("tt-calibrate fit --model model --text a.txt -k 3 -o t.h5 --max-memory 1G").status == 2);
}

TEST_CASE("dumps are named by their digest, or by a fingerprint") {
  const World world;
  (void)world.output("tt-calibrate fit dump.h5 -k 3 -o auto.h5");
  (void)world.output("tt-calibrate fit dump.h5 -k 3 --digest fingerprint -o quick.h5");
  const InputFile whole = load_table(world.path("auto.h5")).meta.provenance.inputs.at(0);
  const InputFile quick = load_table(world.path("quick.h5")).meta.provenance.inputs.at(0);
  CHECK(whole.sha256.size() == 64);
  CHECK(whole.fingerprint.empty());
  CHECK(quick.sha256.empty());
  CHECK(quick.fingerprint.size() == 64);
  (void)world.output("tt-calibrate convert quick.h5 -o quick.json");
  (void)world.output("tt-calibrate convert quick.json -o again.h5");
  CHECK(world.content("again.h5") == world.content("quick.h5"));
}

TEST_CASE("what was done before a stage was heard of says nothing about its rate") {
  const World world;
  const Outcome run =
      world.run("tt-calibrate fit --model model --text a.txt b.txt -k 3 -o t.h5 --progress json");
  const Json first = Json::parse(run.err.substr(0, run.err.find('\n')));
  CHECK(first.at("done") == 1);
  CHECK(first.at("rate") == 0);
  CHECK(first.at("eta_seconds").is_null());
}

TEST_CASE("progress on dumps is in bytes") {
  const World world;
  const Outcome run = world.run("tt-calibrate fit dump.h5 -k 3 -o t.h5 --progress json");
  const std::size_t last = run.err.rfind("{\"stage\":\"calibrating\"");
  REQUIRE(last != std::string::npos);
  const Json line = Json::parse(run.err.substr(last, run.err.find('\n', last) - last));
  CHECK(line.at("unit") == "bytes");
  CHECK(line.at("done") == line.at("total"));
  CHECK(line.at("gb_per_second") > 0);
  CHECK(line.contains("eta_seconds"));
}
