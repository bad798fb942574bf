package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.fail;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.IntSupplier;

/**
 * The sockets, pipes and anonymous files that are open at one moment, to tell those apart that are opened afterwards. What was open
 * before and is closed meanwhile, by whoever ran before, does not count; nor do jars and files that the JVM opens.
 */
public final class OpenDescriptors {

    private final Set<String> before;

    private OpenDescriptors(Set<String> open) {
        before = open;
    }

    public static OpenDescriptors now() {
        return new OpenDescriptors(open());
    }

    /** Number and inode of each: a number alone is used again. */
    private static Set<String> open() {
        Set<String> open = new TreeSet<>();
        File[] links = new File("/proc/self/fd").listFiles();
        for (File link : links == null ? new File[0] : links) {
            try {
                String target = Files.readSymbolicLink(link.toPath()).toString();
                if (!target.startsWith("/")) {
                    open.add(link.getName() + " " + target);
                }
            } catch (IOException e) {
                // closed since it was listed, such as the descriptor of the listing itself
            }
        }
        return open;
    }

    private Set<String> since() {
        Set<String> since = open();
        since.removeAll(before);
        return since;
    }

    /** How many have been opened since, and still are. */
    public int opened() {
        return since().size();
    }

    /** Waits until so many of those that were opened since are open. */
    public void awaitOpened(int count) throws InterruptedException {
        awaitOpened(() -> count);
    }

    public void awaitOpened(IntSupplier count) throws InterruptedException {
        long end = System.nanoTime() + Support.TIMEOUT_MILLIS * 1_000_000L;
        for (Set<String> since; (since = since()).size() != count.getAsInt(); Thread.sleep(1)) {
            if (System.nanoTime() >= end) {
                fail("opened and not closed are " + since.size() + ", not " + count.getAsInt() + ": " + since);
            }
        }
    }
}
