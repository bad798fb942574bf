package io.netpark.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/**
 * The numbers of the README are made of the results beside it, with their intervals, and nobody writes them by hand:
 * {@code -Dnetpark.readme=write} makes them anew.
 */
class ReadmeTest {

    private static final String BEGIN = "<!-- made of bench/results: see bench/README.md -->";
    private static final String END = "<!-- end of what is made -->";
    private static final Path ROOT = Path.of("").toAbsolutePath().getParent();
    private static final Path README = ROOT.resolve("README.md");
    private static final List<String> SHAPES = List.of("100x1KiB", "1000x1KiB", "10000x128B", "100x64KiB");
    private static final String JDK_17 = "JDK 17: ";

    /** A table of a file of results: its rows by their first cell. */
    private record Table(List<String> columns, Map<String, List<String>> rows) {

        Optional<String> cell(String row, String column) {
            List<String> cells = rows.get(row);
            int at = columns.indexOf(column);
            return cells == null || at < 0 ? Optional.empty() : Optional.of(cells.get(at));
        }
    }

    @Test
    void itsTablesAreMadeOfTheCommittedResults() throws IOException {
        String text = Files.readString(README);
        int begin = text.indexOf(BEGIN) + BEGIN.length() + 1;
        int end = text.indexOf(END);
        String made = made();
        if ("write".equals(System.getProperty("netpark.readme"))) {
            Files.writeString(README, text.substring(0, begin) + made + text.substring(end));
            return;
        }
        assertEquals(made, text.substring(begin, end));
    }

    private static String made() throws IOException {
        Path results = ROOT.resolve("bench/results");
        List<String> echo = Files.readAllLines(results.resolve("echo.md"));
        StringBuilder out = new StringBuilder("\n| connections × request | 100 × 1 KiB | 1 000 × 1 KiB | 10 000 × 128 B | 100 × 64 KiB |\n");
        out.append("|---").append("|---:".repeat(SHAPES.size())).append("|\n");
        servers().forEach((label, server) -> out.append(row(label, server, echo)));
        List<String> older = Files.readAllLines(results.resolve("jdk-17/echo.md"));
        out.append(row(JDK_17 + "Netty 4.2 epoll", "netty", older));
        out.append(row(JDK_17 + "**Netpark, coroutines**", "netpark-coroutine-jna", older));
        out.append(row(JDK_17 + "**Netpark, callbacks**", "netpark-callback-jna", older));
        out.append("\n").append(measured("bench/results/echo.md", echo)).append("\n")
                .append(measured("bench/results/jdk-17/echo.md", older));
        List<String> own = Files.readAllLines(results.resolve("own.md"));
        Table many = tables(own).getOrDefault("100 connections", new Table(List.of(), Map.of()));
        out.append("\n| a request without the kernel | ns | bytes allocated |\n|---|---:|---:|\n");
        for (String server : List.of("echo-coroutine", "echo-callback", "frame-coroutine", "frame-callback", "http-coroutine")) {
            out.append("| ").append(server).append(" | ").append(many.cell(server, "ns/request").orElse("–")).append(" | ")
                    .append(many.cell(server, "allocated B/request").orElse("–")).append(" |\n");
        }
        return out.append("\n").append(measured("bench/results/own.md", own)).append("\n").toString();
    }

    private static Map<String, String> servers() {
        Map<String, String> servers = new LinkedHashMap<>();
        servers.put("Netty 4.2 epoll", "netty");
        servers.put("JDK NIO", "nio");
        servers.put("virtual threads", "vt");
        servers.put("ktor-network", "ktor");
        servers.put("**Netpark, coroutines**", "netpark-coroutine-ffm");
        servers.put("**Netpark, callbacks**", "netpark-callback-ffm");
        servers.put("Netpark, coroutines, JNA", "netpark-coroutine-jna");
        servers.put("Netpark, callbacks, JNA", "netpark-callback-jna");
        return servers;
    }

    private static String row(String label, String server, List<String> results) {
        Map<String, Table> tables = tables(results);
        StringBuilder row = new StringBuilder("| ").append(label);
        for (String shape : SHAPES) {
            Table table = tables.get(shape);
            row.append(" | ").append(table == null ? "–" : table.cell(server, "× floor").orElse("–"));
        }
        return row.append(" |\n").toString();
    }

    /** When and where, and what the results say of their rounds. */
    private static String measured(String file, List<String> results) {
        Map<String, String> facts = new LinkedHashMap<>();
        String rounds = "";
        for (String line : results) {
            int colon = line.indexOf(": ");
            if (line.startsWith("- ") && colon > 0) {
                facts.put(line.substring(2, colon), line.substring(colon + 2));
            } else if (line.startsWith("CPU is ") || line.startsWith("With 1 connection ")) {
                rounds = " " + line;
            }
        }
        return "[" + file + "](" + file + "), " + facts.get("date") + ", " + facts.get("processor") + ", " + facts.get("kernel") + ", "
                + facts.get("JDK") + ", Netty " + facts.get("Netty") + "." + rounds + "\n";
    }

    /** By their headings. */
    private static Map<String, Table> tables(List<String> results) {
        Map<String, Table> tables = new LinkedHashMap<>();
        String title = "";
        for (String line : results) {
            if (line.startsWith("## ")) {
                title = line.substring(3);
            }
            List<String> cells = cells(line);
            if (!cells.isEmpty() && !cells.get(0).startsWith("---")) {
                Table table = tables.get(title);
                if (table == null) {
                    tables.put(title, new Table(cells, new LinkedHashMap<>()));
                } else {
                    table.rows().put(cells.get(0), cells);
                }
            }
        }
        return tables;
    }

    private static List<String> cells(String line) {
        if (!line.startsWith("|")) {
            return List.of();
        }
        List<String> cells = new ArrayList<>();
        for (String cell : line.substring(1).split("\\|")) {
            cells.add(cell.strip());
        }
        return cells;
    }
}
