package io.netpark.core.net.listening;

import io.netpark.core.linux.Linux;
import io.netpark.core.net.options.NetOptions;
import io.netpark.core.sys.Binding;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.OpenDescriptor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * The descriptors that the service manager has opened for this process and passed at its start, by the protocol of systemd's socket
 * activation (sd_listen_fds(3)): from number 3 on, as many as LISTEN_FDS says, for the process that LISTEN_PID names, with the names
 * of LISTEN_FDNAMES. So a socket listens before the service has started and while it is started anew, and no connection is refused.
 *
 * <pre>{@code
 *   try (ListenFds passed = ListenFds.take()) {
 *       ListenerDescriptor http = ListenerDescriptor.adopt(group, passed.get("http"), NetOptions.DEFAULT, null);
 *   }
 * }</pre>
 *
 * <p>Ownership: those that are adopted or released are their taker's. {@link #close} closes the others.
 */
public final class ListenFds implements AutoCloseable {

    private static final int FIRST = 3;
    /** What a descriptor is called that has no name. */
    private static final String UNKNOWN = "unknown";

    private static final AtomicBoolean TAKEN = new AtomicBoolean();

    private record Named(String name, OpenDescriptor descriptor) {}

    private final List<Named> passed;
    private final @Nullable String reason;

    private ListenFds(List<Named> passed, @Nullable String reason) {
        this.passed = passed;
        this.reason = reason;
    }

    /**
     * Takes them. Once in the life of the process: they are open once, and who comes later finds none. They are made close-on-exec,
     * so that no child gets them.
     *
     * @return empty if none were passed to this process; {@link #reason} tells why
     * @throws NetparkException if a descriptor that the environment promises is not open; those before it are closed then
     * @throws IllegalArgumentException if the environment says something else than numbers
     */
    public static ListenFds take() throws NetparkException {
        return take(TAKEN, System.getenv(), ProcessHandle.current().pid());
    }

    static ListenFds take(AtomicBoolean taken, Map<String, String> environment, long pid) throws NetparkException {
        String count = environment.get("LISTEN_FDS");
        String wanted = environment.get("LISTEN_PID");
        if (count == null || wanted == null) {
            return none("the environment has no " + (count == null ? "LISTEN_FDS" : "LISTEN_PID")
                    + "; start the process by a .socket unit of systemd, or by systemd-socket-activate");
        }
        if (number("LISTEN_PID", wanted) != pid) {
            return none("they are meant for the process " + wanted + " (LISTEN_PID), and this is " + pid
                    + "; a script that starts the JVM has to replace itself by it (exec java …)");
        }
        int promised = number("LISTEN_FDS", count);
        if (promised == 0) {
            return none("LISTEN_FDS is 0");
        }
        if (!taken.compareAndSet(false, true)) {
            return none("they have been taken already, which can be done once");
        }
        return new ListenFds(named(promised, environment.get("LISTEN_FDNAMES")), null);
    }

    private static List<Named> named(int count, @Nullable String names) throws NetparkException {
        LibC libc = Binding.defaultLibC();
        String[] given = names == null ? new String[0] : names.split(":", -1);
        List<Named> passed = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int fd = FIRST + i;
            int result = libc.fcntl(fd, Linux.F_SETFD, Linux.FD_CLOEXEC);
            if (result < 0) {
                passed.forEach(one -> one.descriptor.close()); // nobody else will be given them
                throw NetparkException.of(-result, "take descriptor " + fd + ", as LISTEN_FDS is " + count);
            }
            String name = i < given.length && !given[i].isEmpty() ? given[i] : UNKNOWN;
            passed.add(new Named(name, OpenDescriptor.of(libc, fd)));
        }
        return List.copyOf(passed);
    }

    private static int number(String variable, String value) {
        try {
            int number = Integer.parseInt(value);
            if (number >= 0) {
                return number;
            }
        } catch (NumberFormatException e) {
            // As one that is negative.
        }
        throw new IllegalArgumentException(variable + " is no number: " + value);
    }

    private static ListenFds none(String reason) {
        return new ListenFds(List.of(), reason);
    }

    /** Whether there are none. */
    public boolean isEmpty() {
        return passed.isEmpty();
    }

    /** Why there are none; null if there are some. */
    public @Nullable String reason() {
        return reason;
    }

    /** All of them, in the order of the unit's lines. */
    public List<OpenDescriptor> all() {
        return passed.stream().map(Named::descriptor).toList();
    }

    /** All that have this name: those of one .socket unit have the same. */
    public List<OpenDescriptor> all(String name) {
        return passed.stream().filter(one -> one.name.equals(name)).map(Named::descriptor).toList();
    }

    /** The names, in the order of {@link #all()}; {@code unknown} for what has none. */
    public List<String> names() {
        return passed.stream().map(Named::name).toList();
    }

    /**
     * The one that has this name: FileDescriptorName= of the .socket unit, or the unit's own name.
     *
     * @throws NoSuchElementException if there is none, saying which there are, or why there are none
     * @throws IllegalStateException if several have it: see {@link #all(String)}
     */
    public OpenDescriptor get(String name) {
        List<OpenDescriptor> found = all(name);
        if (found.isEmpty()) {
            throw new NoSuchElementException("no descriptor with the name " + name + " was passed: "
                    + (reason != null ? reason : "the names are " + names()));
        }
        return only(found, " with the name " + name);
    }

    /**
     * The only one, whatever its name.
     *
     * @throws NoSuchElementException if there is none, saying why
     * @throws IllegalStateException if there are several
     */
    public OpenDescriptor only() {
        if (passed.isEmpty()) {
            throw new NoSuchElementException("no descriptors were passed: " + reason);
        }
        return only(all(), "");
    }

    private OpenDescriptor only(List<OpenDescriptor> found, String which) {
        if (found.size() > 1) {
            throw new IllegalStateException(
                    found.size() + " descriptors" + which + " were passed, and one is wanted; the names are " + names());
        }
        return found.get(0);
    }

    /** Closes those that nobody has taken over. */
    @Override
    public void close() {
        for (Named one : passed) {
            one.descriptor.close();
        }
    }

    @Override
    public String toString() {
        return reason != null ? "no passed descriptors: " + reason : "passed descriptors " + names();
    }
}
