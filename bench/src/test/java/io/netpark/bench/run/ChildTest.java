package io.netpark.bench.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How a child comes to its end. */
class ChildTest {

    @TempDir
    Path folder;

    @Test
    void whoTakesThreeSecondsToTidyUpIsNotKilled() {
        Path tidy = folder.resolve("tidy");
        child("trap '' TERM; echo begun; cat >/dev/null; sleep 3; : >\"$0\"", tidy).close();
        assertTrue(Files.exists(tidy));
    }

    @Test
    void whoDoesNotHeedItsInputIsToldBySigterm() {
        Path told = folder.resolve("told");
        Child child = child("sleep 1000 & trap ': >\"$0\"; kill $!; exit' TERM; echo begun; wait", told);
        child.close();
        assertTrue(Files.exists(told));
        assertFalse(ProcessHandle.of(child.pid()).map(ProcessHandle::isAlive).orElse(false));
    }

    /** One that has begun, and knows what to do with SIGTERM. */
    private Child child(String script, Path argument) {
        Child child = new Child("shell", List.of("sh", "-c", script, argument.toString()), -1, folder.resolve("errors"));
        assertEquals("begun", child.line(Duration.ofSeconds(30)));
        return child;
    }
}
