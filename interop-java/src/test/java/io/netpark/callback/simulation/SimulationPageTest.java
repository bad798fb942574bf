package io.netpark.callback.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class SimulationPageTest {

    @Test
    void theJavaExamplesOfThePageAreThoseThatAreCompiledAndRunHere() throws Exception {
        String[] blocks = Files.readString(Path.of("../docs/simulation.md")).split("```java\n");
        String source = Files.readString(Path.of("src/test/java/io/netpark/callback/simulation/SimulationExamples.java"));
        List<String> whole = Arrays.stream(blocks).skip(1).map(block -> block.substring(0, block.indexOf("```")))
                .filter(block -> !block.contains("…")).toList();
        assertEquals(2, whole.size());
        for (String block : whole) {
            String example = block.indent(4).replaceAll("(?m)^ +$", "").stripTrailing();
            assertTrue(source.contains(example), () -> "differs from SimulationExamples.java:\n" + example);
        }
    }

    @Test
    void aSilentServerIsGivenUp() throws Exception {
        SimulationExamples.silentServerIsGivenUp();
    }

    @Test
    void threadsWaitByTheTimeOfTheSimulation() throws Exception {
        SimulationExamples.threadsThatWait();
    }
}
