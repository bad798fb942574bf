package io.netpark.bench.run;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
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
        child("trap '' TERM; cat >/dev/null; sleep 3; : >\"$0\"", tidy).close();
        assertTrue(Files.exists(tidy));
    }

    @Test
    void whoDoesNotHeedItsInputIsToldBySigterm() {
        Path told = folder.resolve("told");
        Child child = child("trap ': >\"$0\"; kill $!; exit' TERM; sleep 1000 & wait", told);
        child.close();
        assertTrue(Files.exists(told));
        assertFalse(ProcessHandle.of(child.pid()).map(ProcessHandle::isAlive).orElse(false));
    }

    private Child child(String script, Path argument) {
        return new Child("shell", List.of("sh", "-c", script, argument.toString()), -1, folder.resolve("errors"));
    }
}
