package io.netpark.bench.server;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * The lines by which the harness talks with a process that serves. It prints {@code listening on 127.0.0.1:PORT}, then answers each
 * line on its standard input with one line, and ends when its input does: it never outlives the harness.
 *
 * <pre>
 *   allocated      bytes that all threads have allocated so far
 *   heap           bytes in use on the heap, after a collection
 *   collect MILLIS a collection begins in so many milliseconds
 * </pre>
 */
public final class Console {

    private Console() {}

    /** What else a process can be asked. */
    public interface Commands {

        /** Answers, in one line. */
        String answer(String[] words) throws InterruptedException;
    }

    /** Obeys until the input ends, and the process with it. */
    public static void run(int port, Commands others) throws IOException, InterruptedException {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        out.println("listening on 127.0.0.1:" + port);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.split(" ");
            out.println(switch (words[0]) {
                case "allocated" -> Long.toString(Allocation.total());
                case "heap" -> Long.toString(Heap.used());
                case "collect" -> Heap.collectIn(Long.parseLong(words[1]));
                default -> others.answer(words);
            });
        }
        Runtime.getRuntime().halt(0);
    }
}
