package io.netpark.callback.output;

/** Who wants to write to an {@link Output} in its turn: after what was written before, and before what is written later. */
@FunctionalInterface
public interface OutputBorrower {

    /**
     * On the loop: its turn has come, and it has the output to itself until it {@linkplain Output#giveBack gives it back}; or it
     * never will, as the connection or its output has ended.
     */
    void lent(boolean granted);
}
