#include "common/config.hpp"

#include <fstream>

#include "core/error.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using namespace toptheta;
using namespace toptheta::app;

namespace {

// A program with two subcommands, as the real ones declare theirs.
struct Fixture {
  Fixture() : app("test", "prog") {
    run = app.add_subcommand("run", "Run it");
    run->add_option("-k,--k", k, "Target k");
    run->add_option("--attention", attention, "Policies");
    run->add_flag("--vmc", vmc, "Compensate");
    run->add_option("--threads", threads, "Threads")->capture_default_str();
    run->add_option("--config", config, "File")->configurable(false);
    run->add_option("dumps", dumps, "Dump files");
    CLI::App* other = app.add_subcommand("other", "Something else");
    other->add_option("--level", level, "Level");
  }
  std::vector<std::string> arguments(const std::string& text) {
    std::ofstream(dir.path("c.toml")) << text;
    return config_arguments(app, *run, dir.path("c.toml"));
  }
  std::string error(const std::string& text) {
    try {
      arguments(text);
    } catch (const UsageError& error) {
      return error.problem().where.substr(dir.root().string().size() + 1) + ": " + error.problem().what;
    }
    return "no error";
  }

  testing::TempDir dir;
  CLI::App app;
  CLI::App* run = nullptr;
  std::string k, config, level;
  std::vector<std::string> attention, dumps;
  bool vmc = false;
  int threads = 0;
};

using Arguments = std::vector<std::string>;

}  // namespace

TEST_CASE("settings become arguments") {
  Fixture fixture;
  CHECK(fixture.arguments("threads = 2\n[run]\nk = 64\nvmc = true\n") ==
        Arguments{"--k=64", "--vmc", "--threads=2"});
  CHECK(fixture.arguments("k = [16, 32]\n") == Arguments{"--k=16,32"});
  CHECK(fixture.arguments("attention = [\"dense\", \"theta:k=64,vmc\"]\n") ==
        Arguments{"--attention=dense", "--attention=theta:k=64,vmc"});
  CHECK(fixture.arguments("vmc = false\n").empty());
  CHECK(fixture.arguments("dumps = [\"-a.h5\"]\nk = 2\n") == Arguments{"--k=2", "--", "-a.h5"});
}

TEST_CASE("the command line beats the file, a section beats the top") {
  Fixture fixture;
  fixture.app.parse("run -k 8");
  CHECK(fixture.arguments("k = 64\nthreads = 2\n") == Arguments{"--threads=2"});
  CHECK(fixture.arguments("threads = 2\n[run]\nthreads = 3\n") == Arguments{"--threads=3"});
}

TEST_CASE("settings of other subcommands are checked and left alone") {
  Fixture fixture;
  CHECK(fixture.arguments("level = 1\n[other]\nlevel = 3\n").empty());
  CHECK(fixture.error("[other]\nlevle = 3\n") == "c.toml:line 2:other.levle: unknown key 'levle'");
  CHECK(fixture.error("\nkk = 3\n") == "c.toml:line 2:kk: unknown key 'kk'");
  CHECK(fixture.error("[runn]\nk = 3\n") == "c.toml:line 2:runn.k: no subcommand 'runn'");
  CHECK(fixture.error("config = \"x\"\n") == "c.toml:line 1:config: unknown key 'config'");
  CHECK(fixture.error("vmc = 1\n") == "c.toml:line 1:vmc: 'vmc' is a switch");
}

TEST_CASE("values reach a flag as a command line would write them") {
  Fixture fixture;
  CHECK(fixture.arguments("k = 0x40\nlevel = 1e-3\n") == Arguments{"--k=64"});
  CHECK(fixture.arguments("k = 0.1\n") == Arguments{"--k=0.1"});
  CHECK(fixture.arguments("k = 2.0\n") == Arguments{"--k=2.0"});
  CHECK(fixture.arguments("k = 1_000\n") == Arguments{"--k=1000"});
  CHECK(fixture.arguments("k = [0.5, \"a # b, c\"]\n") == Arguments{"--k=0.5,a # b, c"});
  CHECK(fixture.arguments("k = \"\"\"\na\nb\"\"\"\n") == Arguments{"--k=a\nb"});
  CHECK(fixture.arguments("run.k = 8\n") == Arguments{"--k=8"});
  CHECK(fixture.arguments("").empty());
}

TEST_CASE("what is no configuration is refused with file and line, as a mistake of usage") {
  Fixture fixture;
  CHECK(fixture.error("k = 1\nb 2\n").starts_with("c.toml:line 2, column "));
  CHECK(fixture.error("k = word\n").starts_with("c.toml:line 1, column "));
  CHECK(fixture.error("k = 1\nthreads = 2\nk = 3\n").starts_with("c.toml:line 3, column "));
  CHECK(fixture.error("k = [[1], [2]]\n") == "c.toml:line 1:k[0]: not a setting");
  CHECK(fixture.error("[run]\nk.a = 1\n") == "c.toml:line 2:run.k: not a setting");
  CHECK(fixture.error("[[run]]\nk = 1\n") == "c.toml:line 1:run[0]: not a setting");
  CHECK(fixture.error("\nk = 2024-01-01\n") == "c.toml:line 2: a date or time");
  CHECK_THROWS_AS(config_arguments(fixture.app, *fixture.run, fixture.dir.path("none.toml")), UsageError);
  CHECK_THROWS_AS(config_arguments(fixture.app, *fixture.run, fixture.dir.root()), UsageError);
}

TEST_CASE("what --print-config prints, --config reads back") {
  Fixture fixture;
  fixture.app.parse("run -k 16,32 --attention dense theta:sdc=exact,vmc --vmc");
  const std::string text = config_text(*fixture.run);
  CHECK(text ==
        "[run]\n"
        "\n# Target k\nk = \"16,32\"\n"
        "\n# Policies\nattention = [\"dense\", \"theta:sdc=exact,vmc\"]\n"
        "\n# Compensate\nvmc = true\n"
        "\n# Threads\nthreads = 0\n"
        "\n# Dump files\n# dumps =\n");
  fixture.app.parse("run -k 1e999 --attention 'a \"b\" \\ \t#' 0x1 .5");
  const std::string odd = config_text(*fixture.run);
  Fixture again;
  CHECK(again.arguments(odd) == Arguments{"--k=1e999", "--attention=a \"b\" \\ \t#", "--attention=0x1",
                                          "--attention=.5", "--threads=0"});
  Fixture fresh;
  CHECK(fresh.arguments(text) == Arguments{"--k=16,32", "--attention=dense",
                                           "--attention=theta:sdc=exact,vmc", "--vmc", "--threads=0"});
}
