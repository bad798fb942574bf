package io.netpark.bench.start;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.bench.run.Contender;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The whole of it in small. The numbers mean nothing. */
@Timeout(300)
class StartCommandTest {

    @TempDir
    Path results;

    @Test
    void whoeverCanTakePartIsInTheTables() throws IOException {
        String table = table("--rounds", "1");
        int tables = Archive.absence().isEmpty() ? 2 : 1; // classes of a build that is going on are in folders
        for (Contender contender : Contender.ofStarts()) {
            int rows = contender.absence().isEmpty() ? tables : 0;
            assertEquals(rows, rows(table, contender.label()), table);
        }
        assertEquals(tables, table.lines().filter(line -> line.startsWith("## ") && !line.equals("## Measured on")).count(), table);
        assertFalse(table.contains("dropped out"), table);
    }

    @Test
    void whoIsAskedForIsAloneAndNoRoundBeginsLate() throws IOException {
        String table = table("--servers", "nio", "--rounds", "1000000", "--at-most", "0", "--all-cores");
        assertEquals(0, rows(table, "netty"), table);
        assertTrue(rows(table, "nio") > 0 && table.contains("\n1 rounds;"), table);
    }

    private String table(String... options) throws IOException {
        CommandLine line = new CommandLine(new StartCommand());
        String[] arguments = Stream.concat(
                Stream.of("--results", results.toString()), Arrays.stream(options)).toArray(String[]::new);
        assertEquals(0, line.execute(arguments));
        assertTrue(Files.size(results.resolve("start.json")) > 0 && Files.size(results.resolve("start.svg")) > 0);
        return Files.readString(results.resolve("start.md"));
    }

    private static long rows(String table, String label) {
        return table.lines().filter(line -> line.startsWith("| " + label + " |")).count();
    }
}
