#!/bin/sh
# Records the files that `umbra probe` reads into a folder, as a test fixture.
#
#   scripts/record-board.sh FOLDER        (as root, if root-only sensors are wanted)
#
# Only what the probe reads is copied, one file at a time; nothing is written to the
# board and no bus is touched. Serial numbers and the host name are replaced. A file
# that may not be read, or whose sensor answers with an error, is recorded as a folder
# of its name that holds the error: reading it then fails too. What was not there
# stays away. Read FOLDER/SOURCES.md before you publish it.
set -u
to=${1:?usage: record-board.sh FOLDER}
mkdir -p "$to" || exit 1

keep() { # PATH: copies one file
    [ -f "$1" ] || return 0
    mkdir -p "$to$(dirname "$1")"
    if ! error=$( { dd if="$1" of="$to$1" bs=4096 count=256 2>&1 >/dev/null; } 2>&1 ); then
        rm -f "$to$1"
        mkdir -p "$to$1"
        printf '%s\n' "$error" | head -n 1 > "$to$1/error"
    fi
}

place() { # PATH: keeps where a device link points to, not what is there
    [ -L "$1" ] || return 0
    mkdir -p "$to$(dirname "$1")"
    ln -sfn "$(readlink "$1")" "$to$1"
}

for path in /proc/cpuinfo /proc/meminfo /proc/loadavg /proc/stat /proc/self/cgroup \
    /proc/sys/kernel/osrelease /proc/sys/kernel/hostname /etc/os-release \
    /proc/device-tree/model /proc/device-tree/compatible \
    /sys/class/dmi/id/sys_vendor /sys/class/dmi/id/product_name \
    /sys/devices/system/cpu/online /var/lib/nvpmodel/status /etc/nvpmodel.conf \
    /sys/devices/platform/gpu.0/load /sys/devices/gpu.0/load \
    /sys/devices/system/cpu/cpu0/cache/index*/level \
    /sys/devices/system/cpu/cpu0/cache/index*/type \
    /sys/devices/system/cpu/cpu0/cache/index*/size \
    /sys/devices/system/cpu/cpufreq/policy*/related_cpus \
    /sys/devices/system/cpu/cpufreq/policy*/cpuinfo_max_freq \
    /sys/devices/system/cpu/cpufreq/policy*/scaling_cur_freq \
    /sys/devices/system/cpu/cpufreq/policy*/scaling_governor \
    /sys/class/thermal/thermal_zone*/type /sys/class/thermal/thermal_zone*/temp \
    /sys/class/thermal/thermal_zone*/trip_point_*_type \
    /sys/class/thermal/thermal_zone*/trip_point_*_temp \
    /sys/devices/platform/soc*/*:firmware/get_throttled \
    /sys/class/hwmon/hwmon*/name /sys/class/hwmon/hwmon*/in*_label \
    /sys/class/hwmon/hwmon*/in*_input /sys/class/hwmon/hwmon*/curr*_input \
    /sys/class/hwmon/hwmon*/power*_input /sys/class/hwmon/hwmon*/in*_lcrit_alarm \
    /sys/bus/i2c/drivers/ina3221x/*/iio*/rail_name_* \
    /sys/bus/i2c/drivers/ina3221x/*/iio*/in_power*_input \
    /sys/class/devfreq/*/cur_freq /sys/class/devfreq/*/device/load \
    /sys/class/devfreq/*/device/of_node/name \
    /sys/class/powercap/intel-rapl:*/name /sys/class/powercap/intel-rapl:*/energy_uj \
    /sys/class/powercap/intel-rapl:*/max_energy_range_uj; do
    keep "$path"
done
for path in /sys/class/hwmon/hwmon*/device; do
    place "$path"
done

[ -f "$to/proc/cpuinfo" ] && sed -i 's/^\(Serial[[:space:]]*:\).*/\1 0000000000000000/' "$to/proc/cpuinfo"
[ -f "$to/proc/self/cgroup" ] && sed -i 's#:/.*#:/recorded#' "$to/proc/self/cgroup"
[ -f "$to/proc/sys/kernel/hostname" ] && echo recorded > "$to/proc/sys/kernel/hostname"

if [ ! -f "$to/SOURCES.md" ]; then
    cat > "$to/SOURCES.md" <<TEXT
# Sources

Every file: recorded with scripts/record-board.sh on $(date -u +%Y-%m-%d) on the board
that proc/device-tree/model (or sys/class/dmi/id) names. Changed: serial number, host
name, control group. Hardware revision, power supply and cooling: (fill in).
TEXT
fi
find "$to" -type f | wc -l | sed 's/$/ files recorded/'
