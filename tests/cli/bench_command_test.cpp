// tt-eval bench as a user runs it. What it measures is not asserted: only that it measures, and what it
// counts.
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cli/world.hpp"
#include "support/catch.hpp"

using namespace toptheta::testing;
using Json = nlohmann::json;

namespace {

const std::string kSmall =
    "--shape d=32,layers=2,heads=4,kv-heads=2,ffn=48,vocab=100,context=128 --repetitions 2 --decode-steps 3 ";

// A variable of the programs' environment, for a while; null: without it.
class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    set(value);
  }
  ~Environment() { set(before_ ? before_->c_str() : nullptr); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  void set(const char* value) const {
    if (value != nullptr)
      setenv(name_, value, 1);
    else
      unsetenv(name_);
  }
  const char* name_;
  std::optional<std::string> before_;
};

}  // namespace

TEST_CASE("bench measures every policy at every length") {
  const World world;
  const Json report = Json::parse(world.output(
      "tt-eval bench " + kSmall + "--kept 0.25 --prefill 64,100 --decode-at 90 --threads 2 --format json"));
  CHECK(report.at("schema") == "toptheta.bench/1");
  CHECK(report.at("machine").at("fp32_gflops_by_threads").size() == 2);
  CHECK(report.at("check").at("rows").get<int>() > 0);
  const Json& rows = report.at("rows");
  constexpr std::size_t kPolicies = 4;  // dense, topk, theta with and without prefilter
  REQUIRE(rows.size() == 3 * kPolicies);
  REQUIRE(report.at("seconds").size() == 3 * kPolicies);
  CHECK(rows.at(0).at("policy") == "dense");
  CHECK(rows.at(0).at("vs_dense") == 1.0);
  CHECK(rows.at(0).at("kept_elements") == 100.0);
  CHECK(rows.at(kPolicies).at("length") == 100);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CAPTURE(rows.at(i).dump());
    CHECK(rows.at(i).at("tokens_per_second").get<double>() > 0);
    CHECK(rows.at(i).at("phase") == (i < 2 * kPolicies ? "prefill" : "decode"));
    if (i % kPolicies != 0) CHECK(rows.at(i).at("kept_elements").get<double>() == Approx(25).margin(8));
  }
  CHECK(report.at("seconds").at(3 * kPolicies - 1).size() == 6);  // two repetitions of three steps
}

TEST_CASE("bench takes a model with its tables, and bfloat16") {
  const World world;
  (void)world.output("tt-calibrate fit --model model --text b.txt -k 4 -o theta.h5");
  const std::string csv = world.output(
      "tt-eval bench --model model --text a.txt --thresholds theta.h5 -k 4 --prefill 50 --decode-at none "
      "--repetitions 1 --compute bf16 --format csv");
  CHECK(csv.find("prefill,50,dense,") != std::string::npos);
  CHECK(csv.find("prefill,50,theta k=4") != std::string::npos);
}

TEST_CASE("bench compares numbers of threads") {
  const World world;
  const Json report = Json::parse(
      world.output("tt-eval bench " + kSmall + "--prefill 20 --decode-at 8 --threads 2,1,3 --format json"));
  CHECK(report.at("thread_counts") == Json({1, 2, 3}));
  CHECK(report.at("threads") == 3);
  const Json& machine = report.at("machine");
  CHECK(machine.at("products").get<std::string>().starts_with("oneDNN "));
  REQUIRE(machine.at("read_gbytes_by_threads").size() == 3);
  for (const Json& rate : machine.at("fp32_gflops_by_threads"))
    CHECK(rate.get<double>() > 0);
  const Json& rows = report.at("rows");
  REQUIRE(rows.size() % 3 == 0);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Json& first = rows.at(i - i % 3);
    CHECK(rows.at(i).at("length") == first.at("length"));
    CHECK(rows.at(i).at("policy") == first.at("policy"));
    CHECK(rows.at(i).at("threads") == i % 3 + 1);
    const double speed_up =
        first.at("milliseconds").get<double>() / rows.at(i).at("milliseconds").get<double>();
    CHECK(rows.at(i).at("speed_up").get<double>() == Approx(speed_up).epsilon(0.01));
    CHECK(rows.at(i).at("efficiency").get<double>() ==
          Approx(100 * speed_up / static_cast<double>(1 + i % 3)).epsilon(0.01));
  }
  const std::string csv =
      world.output("tt-eval bench " + kSmall + "--prefill 20 --decode-at none --threads 1,3 --format csv");
  CHECK(csv.find(",threads,speed_up,efficiency") != std::string::npos);
}

TEST_CASE("more threads than cores are warned about once, and those that are no list refused") {
  const World world;
  const Environment waiting("OMP_WAIT_POLICY", nullptr);
  const Outcome many = world.run("tt-eval info --model model --threads 300");
  CHECK(many.status == 0);
  const std::size_t warning = many.err.find("warning: 300 threads");
  CHECK(warning != std::string::npos);
  CHECK(many.err.find("300 threads", warning + 20) == std::string::npos);
  for (const std::string list : {"1,1", "0,2", "4097", "-1", "two"})
    CHECK(world.run("tt-eval bench " + kSmall + "--threads " + list).status == 2);
}

TEST_CASE("bench refuses what it cannot measure") {
  const World world;
  for (const std::string flags :
       {"--shape d=30", "--shape d=32,layers=1,heads=4,ffn=8,vocab=9,context=64 --prefill 65",
        "--model model --shape d=32,layers=1,heads=4,ffn=8,vocab=9", "--model model --kept 0.1 -k 4",
        "--model model --kept 1.5", "--model model --prefill none --decode-at none"}) {
    const Outcome outcome = world.run("tt-eval bench " + flags);
    INFO(flags << "\n" << outcome.err);
    CHECK(outcome.status == 2);
    CHECK(outcome.out.empty());
  }
}

TEST_CASE("a program that starts again to wait passively keeps its processors when threads are bound") {
  const World world;
  const auto threads = [&] {
    const Json report =
        Json::parse(world.output("tt-eval bench " + kSmall + "--prefill 20 --decode-at none --format json"));
    return report.at("threads").get<int>();
  };
  const Environment waiting("OMP_WAIT_POLICY", nullptr);
  const int all = threads();
  const Environment bound("OMP_PROC_BIND", "true");
  CHECK(threads() == all);
}
