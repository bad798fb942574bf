package io.netpark.core.testing;

import java.io.IOException;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Programs of others, such as openssl, that some tests start. */
public final class Program {

    private Program() {}

    /**
     * Why a test that needs a program is skipped, or null if it is there and works.
     *
     * @param probe what it is asked, to see whether it works: something like {@code --version}, which ends at once and well
     */
    public static @Nullable String absence(String name, String... probe) {
        List<String> command = Stream.concat(Stream.of(name), Stream.of(probe)).toList();
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            process.getInputStream().readAllBytes();
            return process.waitFor() == 0 ? null : String.join(" ", command) + " does not work here";
        } catch (IOException e) {
            return name + " is not installed";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "interrupted";
        }
    }
}
