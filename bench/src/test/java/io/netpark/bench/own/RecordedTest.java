package io.netpark.bench.own;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.bench.own.Recorded.Cost;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RecordedTest {

    private final Recorded recorded = Recorded.of(List.of(
            "## 1 connection", "| server | ns/request | allocated B/request |", "|---|---:|---:|", "| echo | 150 (140–160) | 0.0 |",
            "## 100 connections", "| server | ns/request | allocated B/request |", "|---|---:|---:|", "| echo | 100 (90–1 120) | 0.0 |",
            "| http | 1 000 (900–1 120) | 0.1 |",
            "## Measured on", "- processor: some"), "100 connections");

    @Test
    void itReadsItsSection() {
        assertEquals(new Recorded("some", Map.of("echo", new Cost(100, 0), "http", new Cost(1000, 0.1))), recorded);
    }

    @Test
    void aTenthIsNoWarningAndMoreIs() {
        assertEquals(List.of(), recorded.warnings(Map.of("echo", new Cost(109, 0), "http", new Cost(910, 0.5))));
        assertEquals(List.of("echo takes 112 ns, 12 % more than the 100 ns recorded"),
                recorded.warnings(Map.of("echo", new Cost(112, 0))));
        assertEquals(List.of("echo takes 80 ns, 20 % less than the 100 ns recorded"),
                recorded.warnings(Map.of("echo", new Cost(80, 0))));
    }

    @Test
    void anAllocationIsAWarning() {
        assertEquals(List.of("echo allocates 24.0 bytes a request, and 0.0 are recorded"),
                recorded.warnings(Map.of("echo", new Cost(100, 24))));
    }

    @Test
    void whatIsNotRecordedIsAWarning() {
        assertEquals(List.of("new is not recorded"), recorded.warnings(Map.of("new", new Cost(1, 0))));
    }

    @Test
    void theCommittedResultsHaveAllSubjects() throws IOException {
        Recorded committed = Recorded.of(Files.readAllLines(Path.of("results/own.md")), "100 connections");
        for (Subject subject : Subject.values()) {
            assertTrue(committed.costs().containsKey(subject.label()), subject.label());
        }
        assertTrue(!committed.processor().isEmpty());
    }
}
