package io.netpark.bench.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import org.junit.jupiter.api.Test;

class CompilerClockTest {

    @Test
    void theCompilersOfThisJvmHaveWorkedAndTheirTimeGoesOn() {
        CompilerClock clock = new CompilerClock(ProcessHandle.current().pid());
        long before = clock.nanos();
        assertTrue(before > 0, "compilers of a JVM that runs tests have worked");
        assertTrue(before < CpuClock.nanos(ProcessHandle.current().pid()), "and less than all of it");
        assertTrue(clock.nanos() >= before);
    }

    @Test
    void whoIsNoJvmHasNone() throws IOException, InterruptedException {
        Process sleeper = new ProcessBuilder("sleep", "60").start();
        try {
            assertEquals(0, new CompilerClock(sleeper.pid()).nanos());
        } finally {
            sleeper.destroyForcibly().waitFor();
        }
        assertThrows(BenchFailure.class, () -> new CompilerClock(sleeper.pid()).nanos());
    }
}
