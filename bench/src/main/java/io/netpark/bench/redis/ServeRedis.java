package io.netpark.bench.redis;

import io.netpark.bench.server.Allocation;
import io.netpark.samples.redis.RedisServer;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * The redis sample's process. Prints {@code listening on 127.0.0.1:PORT}, answers any line on its standard input with the bytes
 * that its threads have allocated so far, and ends when its input does.
 */
public final class ServeRedis {

    private static final int LONGEST_VALUE = 64 << 20;

    private ServeRedis() {}

    /** Serves. */
    public static void main(String[] arguments) throws Exception {
        InetSocketAddress address = new InetSocketAddress("127.0.0.1", 0);
        RedisServer server = new RedisServer(address, null, loops -> loops.loops(1), LONGEST_VALUE, Duration.ZERO);
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        out.println("listening on 127.0.0.1:" + ((InetSocketAddress) server.address()).getPort());
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        while (in.readLine() != null) {
            out.println(Allocation.total());
        }
        Runtime.getRuntime().halt(0);
    }
}
