#include "page/audit.hpp"

#include <fstream>

#include "core/error.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using namespace toptheta;
using namespace toptheta::page;

namespace {

std::string row_of(int head, double ratio, int median) {
  return R"({"k": 4, "layer": 0, "head": )" + std::to_string(head) +
         R"(, "head_k": "4", "rows": 10, "dense_rows": 2, "kept_mean": 5.0, "kept_p01": 1, "kept_p05": 2,
         "kept_p25": 3, "kept_p50": )" +
         std::to_string(median) + R"(, "kept_p75": 5, "kept_p95": 6, "kept_p99": 7, "effective_k_ratio": )" +
         std::to_string(ratio) + R"(, "lost_mass": 0.25})";
}

}  // namespace

TEST_CASE("an audit is read back, with the heads that are short of k") {
  const testing::TempDir folder;
  const std::filesystem::path path = folder.path("audit.json");
  std::ofstream(path)
      << R"({"schema": "toptheta.audit/1", "table": "t.h5", "documents": 3, "check": {"holds": false},
    "targets": [{"k": 4, "effective_k_ratio": {"value": 1.5, "low": 1.25, "high": 1.75}, "kept_elements": 0.125,
    "lost_mass": 0.25}], "provenance": {"command": "x"}, "rows": [)"
      << row_of(0, 2, 3) << "," << row_of(1, 1, 4) << "]}";
  const AuditFile audit = read_audit(path);
  const std::vector<std::string> findings = findings_of(audit);
  REQUIRE(findings.size() == 2);
  CHECK(findings[0].find("1.5 times the k asked for (1.25 to 1.75, 95%)") != std::string::npos);
  CHECK(findings[0].find("In 50.0% of the heads, at least half of the rows keep fewer") != std::string::npos);
  CHECK(findings[0].find("layer 0, head 0, at 2 times") != std::string::npos);
  CHECK(findings[1].find("is exceeded") != std::string::npos);
  const Figure figure = audit_figure(audit);
  CHECK(figure.charts.size() == 1);
  CHECK(figure.data.rows.size() == 2);
}

TEST_CASE("what is no audit is refused") {
  const testing::TempDir folder;
  const std::filesystem::path path = folder.path("audit.json");
  std::ofstream(path) << R"({"schema": "toptheta.drift/1"})";
  CHECK_THROWS_AS(read_audit(path), InputError);
}
