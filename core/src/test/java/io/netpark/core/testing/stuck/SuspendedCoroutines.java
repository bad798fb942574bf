package io.netpark.core.testing.stuck;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.LinkedList;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;
import kotlin.coroutines.jvm.internal.CoroutineStackFrame;
import org.jspecify.annotations.Nullable;

/**
 * The suspended coroutines, found by going from object to object: from event loops to their descriptors and what is parked there, from
 * threads in {@code runBlocking} to the tree of their jobs, and to all that waits for a time. A coroutine's frames are its continuations,
 * which know their places in the source. One that nobody will wake and that is no longer anybody's child is not found, nor is one that is
 * too far away: a search ends after so many objects, and after a second.
 *
 * <p>This only reads, and reads while others write: what it finds may be a moment old, and no line of it is a proof. It takes no lock, as a
 * test that hangs may hold it: of the JDK's collections it reads those that have none.
 */
final class SuspendedCoroutines {

    static final int OBJECTS = 50_000;
    private static final long AT_MOST = TimeUnit.SECONDS.toNanos(1);
    private static final Set<Class<?>> WITHOUT_LOCKS = Set.of(
            ArrayList.class, LinkedList.class, ArrayDeque.class, PriorityQueue.class, HashSet.class, LinkedHashSet.class,
            HashMap.class, LinkedHashMap.class, IdentityHashMap.class, ConcurrentHashMap.class,
            ConcurrentLinkedQueue.class, ConcurrentLinkedDeque.class, CopyOnWriteArrayList.class,
            AtomicReference.class, AtomicReferenceArray.class);

    private final long over = System.nanoTime() + AT_MOST;
    private final Map<Class<?>, List<Field>> fields = new IdentityHashMap<>();
    private final Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    private final Deque<Object> unread = new ArrayDeque<>();
    private final List<CoroutineStackFrame> frames = new ArrayList<>();

    private SuspendedCoroutines() {}

    /** One paragraph a stack, and how often it was found. */
    static String now() {
        return search().text();
    }

    static SuspendedCoroutines search() {
        SuspendedCoroutines search = new SuspendedCoroutines();
        search.start();
        search.run();
        return search;
    }

    /** How many objects were found. */
    int objects() {
        return seen.size();
    }

    private void start() {
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            visit(thread);
            visit(LockSupport.getBlocker(thread)); // of a thread in runBlocking, its coroutine
            if (thread.getName().equals("kotlinx.coroutines.DefaultExecutor")) {
                visitDelays(); // only now: its class is not to be initialized from here
            }
        }
    }

    private void visitDelays() {
        try {
            Field instance = Class.forName("kotlinx.coroutines.DefaultExecutor").getField("INSTANCE");
            instance.setAccessible(true);
            visit(instance.get(null)); // has the delays
        } catch (ReflectiveOperationException e) {
            // Another version of kotlinx.coroutines: the rest is found without it.
        }
    }

    /** False if it is enough. */
    private boolean visit(@Nullable Object object) {
        if (isOver()) {
            return false;
        }
        if (object != null && leadsOn(object.getClass()) && seen.add(object)) {
            unread.add(object);
        }
        return true;
    }

    private boolean isOver() {
        return seen.size() >= OBJECTS || System.nanoTime() - over > 0;
    }

    private static boolean leadsOn(Class<?> type) {
        if (type.isArray()) {
            return !type.getComponentType().isPrimitive();
        }
        String name = type.getName();
        return WITHOUT_LOCKS.contains(type) || name.startsWith("java.util.ImmutableCollections$")
                || !name.startsWith("java.") && !name.startsWith("jdk.") && !name.startsWith("sun.") && !name.startsWith("com.sun.")
                && !name.startsWith("org.junit.") && !name.startsWith("org.apache.") && !type.isEnum();
    }

    private void run() {
        Object next;
        while ((next = unread.poll()) != null && System.nanoTime() - over < 0) { // what was seen is read, as long as there is time
            if (next instanceof CoroutineStackFrame frame) {
                frames.add(frame);
            }
            try {
                read(next);
            } catch (RuntimeException e) {
                // It changed meanwhile, or cannot be read.
            }
        }
    }

    private void read(Object object) {
        if (object instanceof Object[] array) {
            visitAll(Arrays.asList(array));
        } else if (object instanceof AtomicReference<?> reference) {
            visit(reference.get());
        } else if (object instanceof AtomicReferenceArray<?> array) {
            for (int i = 0; i < array.length() && visit(array.get(i)); i++) {
                // Each is visited.
            }
        } else if (object instanceof Collection<?> collection && object.getClass().getName().startsWith("java.")) {
            visitAll(collection);
        } else if (object instanceof Map<?, ?> map && object.getClass().getName().startsWith("java.")) {
            visitAll(map.values());
        } else {
            for (Field field : fields(object.getClass())) {
                try {
                    visit(field.get(object));
                } catch (IllegalAccessException e) {
                    throw new IllegalStateException(e);
                }
            }
        }
    }

    private void visitAll(Iterable<?> objects) {
        for (Object each : objects) {
            if (!visit(each)) {
                return;
            }
        }
    }

    /** Those that may lead on, with those that are inherited. */
    private List<Field> fields(Class<?> type) {
        List<Field> known = fields.get(type);
        if (known != null) {
            return known;
        }
        List<Field> found = new ArrayList<>();
        for (Class<?> each = type; each != null && !each.getName().startsWith("java."); each = each.getSuperclass()) {
            try {
                for (Field field : each.getDeclaredFields()) {
                    if (!field.getType().isPrimitive() && !Modifier.isStatic(field.getModifiers()) && field.trySetAccessible()) {
                        found.add(field);
                    }
                }
            } catch (LinkageError e) {
                // A type of one of its fields is not on this class path.
            }
        }
        fields.put(type, found);
        return found;
    }

    private String text() {
        Set<Object> callers = Collections.newSetFromMap(new IdentityHashMap<>());
        for (CoroutineStackFrame frame : frames) {
            if (frame.getCallerFrame() != null) {
                callers.add(frame.getCallerFrame());
            }
        }
        Map<String, Integer> stacks = new LinkedHashMap<>();
        for (CoroutineStackFrame frame : frames) {
            if (!callers.contains(frame) && System.nanoTime() - over < AT_MOST) { // at most as long again
                String stack = stack(frame);
                if (!stack.isEmpty()) {
                    stacks.merge(stack, 1, Integer::sum);
                }
            }
        }
        StringBuilder text = new StringBuilder();
        stacks.forEach((stack, times) -> text.append("coroutine").append(times > 1 ? " (" + times + " of them)" : "").append('\n').append(stack));
        return text.toString();
    }

    /** Empty if none of the frames knows its place: it has not started, or has not suspended yet. Kotest's own frames are left out. */
    private static String stack(CoroutineStackFrame innermost) {
        StringBuilder text = new StringBuilder();
        int depth = 0;
        for (CoroutineStackFrame frame = innermost; frame != null && depth < 100; frame = frame.getCallerFrame(), depth++) {
            StackTraceElement place = frame.getStackTraceElement();
            if (place != null && place.getLineNumber() > 0 && !place.getClassName().startsWith("io.kotest.")) {
                text.append("    at ").append(place).append('\n');
            }
        }
        return text.toString();
    }
}
