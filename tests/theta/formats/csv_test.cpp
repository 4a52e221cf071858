#include "theta/formats/csv.hpp"

#include "support/catch.hpp"
#include "support/sample_table.hpp"
#include "support/temp_dir.hpp"

using namespace toptheta;
using namespace toptheta::testing;

TEST_CASE("a table as CSV") {
  const TempDir dir;
  ThresholdTable table;
  table.meta.shape = {2, 1, 1, 0};
  table.targets = {Target{64, {512, 64}, {{{600, 0.1, 0, 2}}, {{65, -4, 0.25, 1, 1e-5, 0.5}}}},
                   Target{16, {512, 16}, {{}, {{17, 1e20, 0, 1}}}}};
  write_csv(table, 0, dir.path("t.csv"));
  CHECK(file_text(dir.path("t.csv")) ==
        "layer,head,length,k,theta,std,count,sdc,kept_mass\n"
        "0,0,600,64,0.1,0,2,,\n"
        "1,0,65,64,-4,0.25,1,1e-05,0.5\n"
        "1,0,17,16,1e+20,0,1,,\n");
  write_csv(table, 16, dir.path("t.csv"));
  CHECK(file_text(dir.path("t.csv")) ==
        "layer,head,length,k,theta,std,count,sdc,kept_mass\n1,0,17,16,1e+20,0,1,,\n");
  CHECK_THROWS_AS(write_csv(table, 32, dir.path("t.csv")), UsageError);
  CHECK_THROWS_AS(write_csv(table, 16, dir.path("no/such/dir.csv")), UnfinishedError);
}

TEST_CASE("where heads of a layer differ, the CSV's k is the head's") {
  const TempDir dir;
  write_csv(sample_table_by_head(), 0, dir.path("t.csv"));
  const std::string text = file_text(dir.path("t.csv"));
  CHECK(text.find("\n0,0,4,3,-1,0,7,,0.75\n") != std::string::npos);
  CHECK(text.find("\n0,1,6,5,-0.75,0,7,,0.75\n") != std::string::npos);
}
