package io.netpark.bench.zerocopy;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;

/**
 * The receiver's process: {@code Sink HOST PORT}. It obeys lines on its standard input, and ends when that does.
 *
 * <pre>
 *   open SIZE COPY   connects, and asks for buffers of that size; COPY is 1 or 0
 *   run MILLIS       reads for so long, and answers with bytes and nanoseconds
 *   close            disconnects
 * </pre>
 */
public final class Sink {

    private Sink() {}

    /** Reads commands until the end of the input. */
    public static void main(String[] arguments) throws IOException {
        InetSocketAddress sender = new InetSocketAddress(arguments[0], Integer.parseInt(arguments[1]));
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        ByteBuffer room = ByteBuffer.allocateDirect(256 * 1024);
        SocketChannel channel = SocketChannel.open();
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.split(" ");
            switch (words[0]) {
                case "open" -> {
                    channel = SocketChannel.open(sender);
                    channel.write(ByteBuffer.allocate(8)
                            .putInt(Integer.parseInt(words[1])).putInt(Integer.parseInt(words[2])).flip());
                    out.println("ok");
                }
                case "run" -> out.println(read(channel, room, TimeUnit.MILLISECONDS.toNanos(Long.parseLong(words[1]))));
                default -> {
                    channel.close();
                    out.println("ok");
                }
            }
        }
        Runtime.getRuntime().halt(0);
    }

    private static String read(SocketChannel channel, ByteBuffer room, long nanos) throws IOException {
        long from = System.nanoTime();
        long bytes = 0;
        long spent = 0;
        for (; spent < nanos; spent = System.nanoTime() - from) {
            int count = channel.read(room.clear());
            if (count < 0) {
                throw new IOException("the sender has ended");
            }
            bytes += count;
        }
        return bytes + " " + spent;
    }
}
