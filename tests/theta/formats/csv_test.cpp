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
        "layer,head,length,k,theta,std,count,sdc,kept_mass,k_in_force\n"
        "0,0,600,64,0.1,0,2,,,512\n"
        "1,0,65,64,-4,0.25,1,1e-05,0.5,64\n"
        "1,0,17,16,1e+20,0,1,,,16\n");
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

TEST_CASE("a CSV is read back with everything that it holds") {
  const TempDir dir;
  const auto without_meta = [](ThresholdTable table, const ThresholdTable& read) {
    table.meta = read.meta;
    return table;
  };
  for (const ThresholdTable& table :
       {sample_table(), sample_table_with_rho(), sample_table_with_laws(), sample_table_by_head()}) {
    write_csv(table, 0, dir.path("t.csv"));
    const ThresholdTable read = read_csv(dir.path("t.csv"), Placement::post_softmax);
    CHECK(read.meta.shape.num_layers == table.meta.shape.num_layers);
    CHECK(read.meta.shape.num_heads == table.meta.shape.num_heads);
    CHECK(read.meta.placement == Placement::post_softmax);
    check_same(read, without_meta(table, read));
    write_csv(read, 0, dir.path("again.csv"));
    CHECK(file_text(dir.path("again.csv")) == file_text(dir.path("t.csv")));
  }
}

TEST_CASE("the lines of a head in a CSV state one law for rho") {
  const TempDir dir;
  const std::string header = "layer,head,length,k,theta,std,count,rho_law_0,rho_law_1,rho_law_2\n";
  const auto read_back = [&](const std::string& lines) {
    write_text(dir.path("t.csv"), header + lines);
    return read_csv(dir.path("t.csv"));
  };
  const auto where_of = [&](const std::string& lines) {
    const std::string where = problem_of<InputError>([&] { (void)read_back(lines); }).where;
    return where.substr(dir.path("t.csv").string().size());
  };
  const Target target =
      read_back("0,0,5,4,1,0,1,-1,0.5,0.25\n0,1,5,4,1,0,1,,,\n0,0,6,4,1,0,1,-1,0.5,0.25\n").targets.at(0);
  CHECK(target.rho_law_of(0).of_kept == 0.25);
  CHECK_FALSE(target.rho_law_of(1).any());
  CHECK(read_back("0,0,5,4,1,0,1,,,\n").targets.at(0).rho_laws.empty());
  CHECK(where_of("0,0,5,4,1,0,1,-1,0.5,0.25\n0,0,6,4,1,0,1,-1,0.5,0.5\n") == ":line 3");
  CHECK(where_of("0,0,5,4,1,0,1,-1,0.5,0.25\n0,0,6,4,1,0,1,,,\n") == ":line 3");
  CHECK(where_of("0,0,5,4,1,0,1,-1,0.5,\n") == ":line 2, rho_law");
  CHECK(where_of("0,0,5,4,1,0,1,-1,inf,0\n") == ":line 2, rho_law");
  CHECK(where_of("0,0,5,4,1,0,1,-1,x,0\n") == ":line 2, rho_law_1");
}

TEST_CASE("lines and columns of a CSV come in any order; what is wrong is refused with its place") {
  const TempDir dir;
  const auto read_back = [&dir](const std::string& text) {
    write_text(dir.path("t.csv"), text);
    return read_csv(dir.path("t.csv"));
  };
  const ThresholdTable table =
      read_back("count,std,theta,k,length,head,layer\r\n3,0,1.5,4,9,1,0\r\n2,0.5,-1,4,7,1,0\r\n\r\n");
  CHECK(table.meta.shape.num_heads == 2);
  REQUIRE(table.targets.at(0).cells.at(1).size() == 2);
  CHECK(table.targets[0].cells[1][0].length == 7);
  CHECK(std::isnan(table.targets[0].cells[1][0].sdc));

  const std::string header = "layer,head,length,k,theta,std,count\n";
  const auto where_of = [&](const std::string& text) {
    const std::string where = problem_of<InputError>([&] { read_back(text); }).where;
    return where.substr(dir.path("t.csv").string().size());
  };
  CHECK(where_of("") == "");
  CHECK(where_of(header) == "");
  CHECK(where_of("layer,head,length,k,theta,std\n") == ":line 1");
  CHECK(where_of("layer,head,length,k,theta,std,count,weight\n") == ":line 1");
  CHECK(where_of("layer,head,length,k,theta,std,count,count\n") == ":line 1");
  CHECK(where_of(header + "0,0,5,4,1,0\n") == ":line 2");
  CHECK(where_of(header + "0,0,5,4,x,0,1\n") == ":line 2, theta");
  CHECK(where_of(header + "0,0,5,4,,0,1\n") == ":line 2, theta");
  CHECK(where_of(header + "0,0,5,4,nan,0,1\n") == ":line 2, theta");
  CHECK(where_of(header + "0,0,5,4,1,-1,1\n") == ":line 2, std");
  CHECK(where_of(header + "0,0,5.5,4,1,0,1\n") == ":line 2, length");
  CHECK(where_of(header + "0,0,5,0,1,0,1\n") == ":line 2, k");
  CHECK(where_of(header + "0,0,5,dense,1,0,1\n") == ":line 2, k");  // a dense head has no lines
  CHECK(where_of(header + "0,0,5,4,1,0,1\n0,0,5,4,2,0,1\n") == ":line 3");
  CHECK(where_of(header + "4000000,0,5,4,1,0,1\n") == ":line 2");
}
