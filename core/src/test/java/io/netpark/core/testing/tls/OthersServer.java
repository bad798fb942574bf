package io.netpark.core.testing.tls;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A server of TLS that is not Netpark's, in a process of its own: what is typed at it, and what it says. Killed when it is closed.
 *
 * <p>A line that is typed at {@code openssl s_server} is a command if it begins with one of the letters {@code B k K P q Q r R S},
 * and all that is read with it at once is dropped: {@link #await} what a command does before anything else is typed.
 */
public final class OthersServer implements AutoCloseable {

    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(30);
    private static final Pattern ACCEPT = Pattern.compile("ACCEPT \\S*:(\\d+)\\s");
    private static final int LISTENING = 0x0A; // TCP_LISTEN of the kernel's tcp_states.h

    private final Path folder;
    private final Process process;
    private final Thread reading;
    private final StringBuilder said = new StringBuilder();
    private final int port;

    private OthersServer(Path folder, List<String> command, boolean saysItsPort) {
        this.folder = folder;
        try {
            process = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
        } catch (IOException e) {
            delete(folder);
            throw new UncheckedIOException(e);
        }
        reading = new Thread(this::listen, "what a program says");
        reading.setDaemon(true);
        reading.start();
        try {
            port = saysItsPort ? awaitPort() : awaitListener();
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    /**
     * {@code openssl s_server}, with this certificate, on a port of 127.0.0.1. It tells each message of a handshake that it
     * sends or receives.
     *
     * @param clients if it wants certificates of clients, and does not go on without: who has issued these
     * @param options others of its options; files in these are of a folder that it has for itself
     */
    public static OthersServer openssl(Identity identity, @Nullable Authority clients, String... options) {
        Path folder = folder(identity, clients);
        Stream<String> wanted = clients == null ? Stream.of()
                : Stream.of("-Verify", "1", "-verify_return_error", "-CAfile", "ca.pem");
        Stream<String> command = Stream.of(
                "openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", "chain.pem", "-key", "key.pem", "-msg");
        return new OthersServer(folder, Stream.of(command, wanted, Arrays.stream(options)).flatMap(s -> s).toList(), true);
    }

    /** {@code gnutls-serv} that echoes lines, with this certificate, on a port of all addresses. */
    public static OthersServer gnutls(Identity identity, @Nullable Authority clients, String... options) {
        Path folder = folder(identity, clients);
        Stream<String> wanted = clients == null
                ? Stream.of("--disable-client-cert")
                : Stream.of("--require-client-cert", "--verify-client-cert", "--x509cafile", "ca.pem");
        Stream<String> command = Stream.of(
                "gnutls-serv", "--echo", "--port", "0", "--x509certfile", "chain.pem", "--x509keyfile", "key.pem");
        return new OthersServer(folder, Stream.of(command, wanted, Arrays.stream(options)).flatMap(s -> s).toList(), false);
    }

    private static Path folder(Identity identity, @Nullable Authority clients) {
        try {
            Path folder = Files.createTempDirectory("netpark");
            identity.writeChain(folder.resolve("chain.pem"));
            identity.writeKey(folder.resolve("key.pem"));
            if (clients != null) {
                clients.write(folder.resolve("ca.pem"));
            }
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void listen() {
        byte[] bytes = new byte[4096];
        try (InputStream input = process.getInputStream()) {
            for (int count; (count = input.read(bytes)) >= 0; ) {
                synchronized (said) {
                    said.append(new String(bytes, 0, count, StandardCharsets.ISO_8859_1));
                    said.notifyAll();
                }
            }
        } catch (IOException e) {
            // It has been killed.
        }
    }

    private int awaitPort() {
        var found = ACCEPT.matcher("");
        await("the port that it listens on", said -> found.reset(said).find());
        return Integer.parseInt(found.group(1));
    }

    /** The port of its IPv4 listener, from the kernel: it does not say it. */
    private int awaitListener() {
        int[] found = {0};
        await("a listener", said -> (found[0] = listener()) != 0);
        return found[0];
    }

    private int listener() {
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/" + process.pid() + "/fd"))) {
            List<String> sockets = descriptors.map(OthersServer::target).filter(target -> target.startsWith("socket:[")).toList();
            for (String line : Files.readAllLines(Path.of("/proc/net/tcp"))) {
                // proc(5): the local address is field 1, the state field 3, the inode field 9.
                String[] fields = line.trim().split("\\s+");
                if (sockets.contains("socket:[" + fields[9] + "]") && Integer.parseInt(fields[3], 16) == LISTENING) {
                    return Integer.parseInt(fields[1].substring(fields[1].indexOf(':') + 1), 16);
                }
            }
            return 0;
        } catch (IOException e) {
            return 0; // it is gone, or not there yet
        }
    }

    private static String target(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (IOException e) {
            return ""; // closed meanwhile
        }
    }

    public int port() {
        return port;
    }

    /** A file that it can serve. */
    public void put(String name, byte[] content) {
        try {
            Files.write(folder.resolve(name), content);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Types a line. */
    public void say(String line) {
        try {
            process.getOutputStream().write((line + "\n").getBytes(StandardCharsets.ISO_8859_1));
            process.getOutputStream().flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Waits until it has said this, wherever in a line, and forgets everything up to there. */
    public void await(String text) {
        await(text, said -> {
            int at = said.indexOf(text);
            if (at >= 0) {
                said.delete(0, at + text.length());
            }
            return at >= 0;
        });
    }

    private interface Condition {
        boolean holds(StringBuilder said);
    }

    private void await(String what, Condition condition) {
        long end = System.nanoTime() + PATIENCE_NANOS;
        synchronized (said) {
            while (!condition.holds(said)) {
                if (System.nanoTime() - end > 0 || !process.isAlive() && !reading.isAlive()) {
                    throw new AssertionError("in vain: " + what + "; it says: " + said);
                }
                try {
                    said.wait(10);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new AssertionError("interrupted: " + what + "; it says: " + said);
                }
            }
        }
    }

    /** Ends the process as a failure would: with no word to its clients. */
    public void kill() {
        try {
            process.destroyForcibly().waitFor();
            reading.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        kill();
        try {
            process.getOutputStream().close();
        } catch (IOException e) {
            // What it has not read any more.
        }
        delete(folder);
    }

    private static void delete(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
